"""Which Python: what the project names, as of its date, newest plausible first."""

import pytest

from r2egym.building.dates import floors, released, tools_floor
from r2egym.building.files import Files
from r2egym.building.metadata import read_project
from r2egym.building.pythons import rank

HERE = ["3.13", "3.12", "3.11", "3.10", "3.9", "3.8", "3.7"]
IN_2021 = 1_625_000_000
CLASSIFIED = (
    '[project]\nname = "larder"\nclassifiers = ["Programming Language :: Python :: 3.7", '
    '"Programming Language :: Python :: 3.8"]\n'
)


def ranked(files: dict[str, str], moment: float = IN_2021) -> list[str]:
    """Versions in the order in which they are tried."""
    found = Files.of(files)
    return rank(HERE, found, read_project(found), moment)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, ["3.9", "3.8", "3.7", "3.10", "3.11", "3.12", "3.13"]),
        ({"pyproject.toml": '[project]\nrequires-python = ">=3.8,<3.10"\n'}, ["3.9", "3.8"]),
        ({"pyproject.toml": '[tool.poetry.dependencies]\npython = "^3.11"\n'}, ["3.11", "3.12", "3.13"]),
        ({"setup.cfg": "[options]\npython_requires = >=3.6, !=3.9.*\n[metadata]\nname=x\n"},
         ["3.8", "3.7", "3.10", "3.11", "3.12", "3.13"]),
        ({"setup.py": "from setuptools import setup\nsetup(python_requires='<3.9')"}, ["3.8", "3.7"]),
        ({"pyproject.toml": '[project]\nrequires-python = "nonsense"\n'},
         ["3.9", "3.8", "3.7", "3.10", "3.11", "3.12", "3.13"]),
        ({"pyproject.toml": CLASSIFIED}, ["3.8", "3.7", "3.9", "3.10", "3.11", "3.12", "3.13"]),
        ({"tox.ini": "[tox]\nenvlist = py27,py{37,38},lint\n"}, ["3.8", "3.7", "3.9", "3.10", "3.11", "3.12", "3.13"]),
        ({".github/workflows/t.yml": "matrix:\n  python-version: ['3.7', '3.10']\n"},
         ["3.7", "3.9", "3.8", "3.10", "3.11", "3.12", "3.13"]),
        ({".travis.yml": "python:\n  - 3.8\n"}, ["3.8", "3.9", "3.7", "3.10", "3.11", "3.12", "3.13"]),
    ],
)  # fmt: skip
def test_order(files: dict[str, str], expected: list[str]) -> None:
    """Named and out at the time come first, then others that were out, newest first; later ones after, oldest first."""
    assert ranked(files) == expected


def test_dates_matter() -> None:
    """The same project later is tried with a later Python."""
    assert ranked({}, released("3.12") + 1)[0] == "3.12"
    assert ranked({}, released("3.12") - 1)[0] == "3.11"


def test_releases_to_come() -> None:
    """Pythons that this table does not know are expected in October of their year."""
    assert released("3.15") > released("3.14")
    assert released("3.15") - released("3.14") < 370 * 86400
    assert tools_floor("3.15") > released("3.15")


PRINTS = {"larder/__init__.py": "print 'jam'\n"}
BOTH = {
    "setup.py": "from setuptools import setup\nsetup(name='larder', classifiers=["
    "'Programming Language :: Python :: 2.7', 'Programming Language :: Python :: 3.6'])\n"
}
IN_2013, IN_2018 = 1_375_000_000, 1_540_000_000


@pytest.mark.parametrize(
    ("files", "moment", "expected"),
    [
        (PRINTS, IN_2013, ["2.7"]),
        (PRINTS, IN_2021, ["3.9", "3.8"]),
        ({"larder/a.py": "try:\n    pass\nexcept KeyError, error:\n    pass\n"}, IN_2013, ["2.7"]),
        ({"larder/a.py": "async = 1\n"}, IN_2013, ["3.8", "3.9"]),
        ({"larder/_py2.py": "exec 'a' in {}\n", "tests/old.py": "print 1\n"}, IN_2013, ["3.8", "3.9"]),
        ({"setup.py": "from setuptools import setup\nsetup(name='larder', python_requires='<3')\n"}, IN_2013, ["2.7"]),
        ({"tox.ini": "[tox]\nenvlist = py26,py27\n"}, IN_2013, ["2.7", "3.8", "3.9"]),
        ({".travis.yml": "python:\n  - 2.6\n  - 2.7\n"}, IN_2013, ["2.7", "3.8", "3.9"]),
        ({"setup.py": "from setuptools import setup\nsetup(use_2to3=True, classifiers=['Programming Language :: Python :: 3'])\n"},
         IN_2013, ["2.7", "3.8", "3.9"]),
        (BOTH, IN_2018, ["3.8", "2.7", "3.9"]),
        ({**BOTH, **PRINTS}, IN_2018, ["3.8", "2.7", "3.9"]),
        (BOTH, IN_2021, ["3.9", "3.8"]),
        ({}, IN_2013, ["3.8", "3.9"]),
    ],
)  # fmt: skip
def test_python2(files: dict[str, str], moment: float, expected: list[str]) -> None:
    """Python 2.7 is first where no Python 3 can be right, later where it is named as well, and else not there."""
    found = Files.of(files)
    assert rank(["3.9", "3.8", "2.7"], found, read_project(found), moment) == expected


def test_test_runners_of_python2() -> None:
    """They are taken as of when the last for Python 2.7 was out, and what they need with them."""
    assert floors("2.7")["pytest"] == tools_floor("2.7") > released("3.8")
    assert set(floors("2.7")) > set(floors("3.8"))
