"""Discovery: what a commit's files say of how it is set up and tested, wherever its authors wrote it down."""

import json
from pathlib import Path

import pytest

from r2egym.building.files import Files
from r2egym.building.metadata import read_project
from r2egym.building.recipe import discover
from r2egym.building.recipe_files import read_recipe_file
from r2egym.errors import BuildError, RecipeError
from r2egym.records import Recipe

NOON = 1_672_570_800
"""In January 2023: 3.11 was out, 3.12 was not."""
CODE = {"larder/__init__.py": "", "tests/test_shelf.py": ""}
PEP621 = """
[project]
name = "larder"
version = "1.2"
requires-python = ">=3.8"
dependencies = ["spoonful>=1; python_version > '3'"]
[project.optional-dependencies]
docs = ["sphinx"]
"""


def first(files: dict[str, str]) -> Recipe:
    """The likeliest recipe."""
    return discover(Files.of({**CODE, **files}), NOON, ["3.11", "3.8"], name="larder")[0]


WRITTEN = {
    "pep621 extra": ({"pyproject.toml": PEP621 + 'test = ["jam[hot]~=3.0", "pytest", "black"]'},
                     ["jam[hot]~=3.0", "pytest", 'spoonful>=1; python_version > "3"']),
    "pep735 group": ({"pyproject.toml": PEP621 + '[dependency-groups]\ntests = ["jam", {include-group = "base"}]\n'
                      'base = ["pickle-jar"]\n'},
                     ["jam", "pickle-jar", "pytest", 'spoonful>=1; python_version > "3"']),
    "pep735 circle": ({"pyproject.toml": '[dependency-groups]\ntest = ["jam", {include-group = "test"}]\n'},
                      ["jam", "pytest"]),
    "poetry": ({"pyproject.toml": '[tool.poetry]\nname = "larder"\n[tool.poetry.dependencies]\npython = "^3.8"\n'
                'spoonful = "^1.2"\nlid = {version = "~2.1", optional = true}\nown = {git = "https://example.invalid/"}\n'
                '[tool.poetry.group.test.dependencies]\njam = ">=3,<4"\nnut = {version = "*", extras = ["dry"]}\n'},
               ["jam<4,>=3", "nut[dry]", "pytest", "spoonful<2,>=1.2"]),
    "poetry, old": ({"pyproject.toml": '[tool.poetry]\nname = "larder"\n[tool.poetry.dependencies]\nspoonful = "^0.2.3"\n'
                     '[tool.poetry.dev-dependencies]\npytest = "^7"\njam = "3.1"\n'},
                    ["jam==3.1", "pytest<8,>=7", "spoonful<0.3,>=0.2.3"]),
    "flit": ({"pyproject.toml": '[tool.flit.metadata]\nmodule = "larder"\nrequires = ["spoonful"]\n'
              '[tool.flit.metadata.requires-extra]\ntest = ["jam"]\n'},
             ["jam", "pytest", "spoonful"]),
    "pdm": ({"pyproject.toml": PEP621 + '[tool.pdm.dev-dependencies]\ntest = ["jam>1"]\n'},
            ["jam>1", "pytest", 'spoonful>=1; python_version > "3"']),
    "hatch": ({"pyproject.toml": PEP621 + '[tool.hatch.envs.default]\ndependencies = ["jam"]\n'},
              ["jam", "pytest", 'spoonful>=1; python_version > "3"']),
    "dynamic file": ({"pyproject.toml": '[project]\nname = "larder"\ndynamic = ["dependencies"]\n'
                      '[tool.setuptools.dynamic]\ndependencies = {file = ["needs.txt"]}\n', "needs.txt": "spoonful\n"},
                     ["pytest", "spoonful"]),
    "setup.cfg": ({"setup.cfg": "[metadata]\nname = larder\n[options]\ninstall_requires =\n  spoonful>=1\n  # jars\n"
                   "[options.extras_require]\ntesting =\n  jam\n  pytest>=6\n"},
                  ["jam", "pytest>=6", "spoonful>=1"]),
    "setup.py": ({"setup.py": "from setuptools import setup\nneeds = ['spoonful'] + ['lid==2']\n"
                  "setup(name='larder', install_requires=needs, extras_require=dict(test=['jam']))\n"},
                 ["jam", "lid==2", "pytest", "spoonful"]),
    "setup.py, from a file": ({"setup.py": "import setuptools\nsetuptools.setup(name='larder',\n"
                               "  install_requires=open('requirements.txt').read().splitlines(), tests_require=['jam'])\n",
                               "requirements.txt": "spoonful>=1  # amounts\n-e .\n"},
                              ["jam", "pytest", "spoonful>=1"]),
    "requirements": ({"requirements.txt": "spoonful\n", "requirements-dev.txt": "-r requirements.txt\njam==3 \\\n"
                      "  --hash=sha256:00\nflake8\nhttps://example.invalid/x.whl\n"},
                     ["jam==3", "pytest", "spoonful"]),
    "requirements, in a folder": ({"requirements/tests.txt": "-r base.txt\njam\n", "requirements/base.txt": "lid\n"},
                                  ["jam", "lid", "pytest"]),
    "tox": ({"tox.ini": "[tox]\nenvlist = py38,py311\n[testenv]\ndeps =\n  jam\n  py38: old-jam\n  py311: new-jam\n"
             "  -r{toxinidir}/more.txt\n", "more.txt": "lid\n"},
            ["jam", "lid", "new-jam", "pytest"]),
    "nox": ({"noxfile.py": "@nox.session\ndef tests(session):\n    session.install('jam', '-r', 'more.txt')\n"
             "@nox.session\ndef docs(session):\n    session.install('sphinx')\n", "more.txt": "lid\n"},
            ["jam", "lid", "pytest"]),
    "ci": ({".github/workflows/test.yml": "steps:\n  - run: pip install 'jam>=3' -U $EXTRA\n  - run: pytest\n"},
           ["jam>=3", "pytest"]),
    "plugin asked for": ({"pytest.ini": "[pytest]\naddopts = --cov=larder -n 2\n"},
                         ["pytest", "pytest-cov", "pytest-xdist"]),
    "pytest too old": ({"requirements-test.txt": "pytest==3.0\npy==1.4\njam\n"}, ["jam", "pytest"]),
    "nothing": ({}, ["pytest"]),
}  # fmt: skip


@pytest.mark.parametrize("name", WRITTEN)
def test_requirements(name: str) -> None:
    """What is needed to run and to test is found where it was written, in one form, without tools and addresses."""
    files, expected = WRITTEN[name]
    assert list(first(files).requirements) == expected


def test_order_of_places() -> None:
    """Groups are believed before requirement files, these before tox; then all are joined; then none is asked."""
    files = {
        "pyproject.toml": PEP621 + 'test = ["jam"]',
        "requirements-test.txt": "lid",
        "tox.ini": "[testenv]\ndeps = nut\n",
    }
    recipes = discover(Files.of({**CODE, **files}), NOON, ["3.11"], name="larder")
    extras = [
        {line for line in recipe.requirements if line[:3] in {"jam", "lid", "nut"}} for recipe in recipes
    ]
    assert extras[:3] == [{"jam"}, {"jam", "lid", "nut"}, set()]
    assert [recipe.install for recipe in recipes] == ["path", "path", "path", "editable", "path"]
    assert recipes[-1].runner == "unittest"
    assert recipes[0].origin == "pyproject.toml + test group"


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("uv.lock", '[[package]]\nname = "Jam"\nversion = "3.0"\nsource = {registry = "x"}\n[[package]]\nname = "larder"\nversion = "0"\nsource = {editable = "."}\n'),
        ("poetry.lock", '[[package]]\nname = "jam"\nversion = "3.0"\n[[package]]\nname = "nut"\nversion = "1"\n[[package]]\nname = "nut"\nversion = "2"\n'),
        ("pdm.lock", '[[package]]\nname = "jam"\nversion = "3.0"\n'),
        ("pylock.toml", '[[packages]]\nname = "jam"\nversion = "3.0"\n'),
        ("Pipfile.lock", json.dumps({"default": {"jam": {"version": "==3.0"}}, "develop": {}})),
    ],
)  # fmt: skip
def test_lock_files_bind(path: str, text: str) -> None:
    """What a lock file pins once is tried first as a constraint, and tried without after that."""
    files = Files.of({**CODE, path: text, "requirements-test.txt": "jam\n"})
    recipes = discover(files, NOON, ["3.11"], name="larder")
    assert recipes[0].constraints == ("jam==3.0",)
    assert recipes[0].origin.endswith("lock file")
    assert recipes[1].constraints == ()


@pytest.mark.parametrize(
    "broken",
    [
        {"pyproject.toml": "[project\n"},
        {"pyproject.toml": "project = 3\ntool = []\n[dependency-groups]\ntest = 7\n"},
        {
            "pyproject.toml": '[project]\nname = "larder"\ndependencies = "spoonful"\n[tool]\npoetry = 1\nflit = "x"\n'
        },
        {"setup.cfg": "no section\n"},
        {"setup.py": "print 'Python 2'\n"},
        {"setup.py": "setup(" + "(" * 3000},
        {"setup.py": "from setuptools import setup\nx = x\nsetup(name=x, install_requires=x % 3)\n"},
        {"requirements.txt": "-r requirements.txt\n\\\n==\n"},
        {"tox.ini": "[testenv]\ndeps = {[base]deps}\n  %(x)s\n"},
        {"uv.lock": "[[package]]\nversion = 3\n"},
        {"Pipfile.lock": "[]"},
        {"poetry.lock": 'package = "x"'},
    ],
    ids=lambda files: repr(files)[:60],
)
def test_broken_files_lose_no_commit(broken: dict[str, str]) -> None:
    """A file that cannot be read, or says nonsense, is passed over: there is a recipe all the same."""
    assert "pytest" in first(broken).requirements


def test_computed_dependencies_are_known_to_be() -> None:
    """What a setup.py computes is not guessed; that it is unknown is said."""
    setup = "from setuptools import setup\nsetup(name='larder', install_requires=list(find()))\n"
    project = read_project(Files.of({**CODE, "setup.py": setup}))
    assert project.unread == ("dependencies",)
    assert project.name == "larder"


def test_no_python() -> None:
    """A commit without Python files, and one for a Python that is not at hand, have reasons of their own."""
    with pytest.raises(BuildError) as nothing:
        discover(Files.of({"README": ""}), NOON, ["3.11"])
    assert nothing.value.reason == "no-recipe"
    with pytest.raises(BuildError, match=r">=3\.13; at hand: 3\.11") as other:
        discover(
            Files.of({"pyproject.toml": '[project]\nrequires-python = ">=3.13"\n', **CODE}), NOON, ["3.11"]
        )
    assert other.value.reason == "no-python"


@pytest.mark.parametrize(
    ("files", "roots", "packages"),
    [
        ({"larder/__init__.py": "", "tests/__init__.py": "", "docs/__init__.py": ""}, (".",), ("larder",)),
        ({"src/larder/__init__.py": "", "tests/a.py": ""}, ("src",), ("larder",)),
        ({"lib/shelves/__init__.py": "", "lib/jars/__init__.py": ""}, ("lib",), ("jars", "shelves")),
        ({"larder.py": "", "setup.py": ""}, (".",), ("larder",)),
        ({"setup.cfg": "[options]\npackage_dir =\n  = code\npackages = find:\n", "code/larder/__init__.py": ""},
         ("code",), ("larder",)),
        ({"pyproject.toml": '[tool.poetry]\nname = "x"\npackages = [{include = "jars", from = "py"}]\n',
          "py/jars/__init__.py": "", "py/other/__init__.py": ""}, ("py",), ("jars",)),
    ],
)  # fmt: skip
def test_where_packages_are(files: dict[str, str], roots: tuple[str, ...], packages: tuple[str, ...]) -> None:
    """The folders that go on the path and the names to import are found for the usual layouts."""
    found = discover(Files.of(files), NOON, ["3.11"], name="larder")[0]
    assert (found.source_roots, found.packages) == (roots, packages)


def test_recipe_file(tmp_path: Path) -> None:
    """A recipe file is the fields of a recipe, and says where it came from."""
    path = tmp_path / "larder.toml"
    path.write_text('python = "3.9"\nrequirements = ["jam"]\n[environment]\nTZ = "UTC"\n')
    said = read_recipe_file(path).alone
    assert (said.python, said.requirements, said.environment) == ("3.9", ("jam",), {"TZ": "UTC"})
    assert said.origin == "recipes/larder.toml"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('python = "3.9"\nrequirments = []\n', "requirments"),
        ("python = 3.9\n", "python"),
        ('requirements = ["jam"]\n', "python"),
        ('python = "3.9"\nrunner = "nose"\n', "runner"),
        ('python = "3.9\n', "line 1"),
        ("\udcff", "utf-8"),
        (None, "No such file"),
    ],
)
def test_bad_recipe_files(tmp_path: Path, text: str | None, named: str) -> None:
    """A recipe file that is none is told in one line with its path and what in it is wrong."""
    path = tmp_path / "larder.toml"
    if text is not None:
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(RecipeError) as error:
        read_recipe_file(path)
    assert str(path) in str(error.value)
    assert named in str(error.value)
    assert "\n" not in str(error.value)
