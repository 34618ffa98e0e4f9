"""Environments of CPython 2.7: made by older tools, by the same rules."""

import json
from pathlib import Path

import pytest
from tests.building.workbench import History, write_wheel

from r2egym import settings as settings_module
from r2egym.building import Builder
from r2egym.building.assembly import Assembly
from r2egym.building.files import Files
from r2egym.building.recipe import discover
from r2egym.building.resolve import environment_layer
from r2egym.errors import BuildError
from r2egym.mining import Repository
from r2egym.sandboxes.base import Backend
from r2egym.settings import Settings

IN_2012 = 1_340_000_000
SOURCE = {
    "setup.py": "from setuptools import setup\nprint 'setting up'\n"
    "setup(name='larder', version='1.0', packages=['larder'], install_requires=['jam'])\n",
    "larder/__init__.py": "import jam\n\ndef spread(what):\n    print 'spreading'\n    return jam.on(what)\n",
    "tests/__init__.py": "",
    "tests/test_larder.py": "import unittest\nfrom larder import spread\n\nclass TestLarder(unittest.TestCase):\n"
    "    def test_spread(self):\n        self.assertEqual(spread(u'toast'), u'jam on toast')\n",
}


@pytest.fixture(scope="module")
def machine() -> Settings:
    """This machine, with all its Pythons."""
    return settings_module.load()


@pytest.fixture(scope="module")
def old_index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two releases of jam for Python 2, one for Python 3 alone, and a setuptools; there is no pytest."""
    folder = tmp_path_factory.mktemp("index")
    text = "def on(what):\n    return u'jam on ' + what\n"
    for version, uploaded in (("1.0", "2011-01-01"), ("2.0", "2014-01-01")):
        write_wheel(
            folder, "jam", version, {"jam.py": text}, uploaded=f"{uploaded}T00:00:00Z", tag="py2-none-any"
        )
    write_wheel(folder, "jam", "1.5", {"jam.py": "raise\n"}, uploaded="2011-06-01T00:00:00Z")
    write_wheel(folder, "setuptools", "44.0", {"setuptools/__init__.py": ""}, tag="py2.py3-none-any")
    return folder


@pytest.fixture(scope="module")
def old_assembly(home: Path, backend: Backend, machine: Settings) -> Assembly:
    """What makes layers of 2.7."""
    made = Assembly(home, backend, machine)
    if not any(interpreter.is_python2 for interpreter in made.interpreters()):
        pytest.skip("no CPython 2.7 on this machine")
    try:
        made.workshop(None)._python2.layer(made.interpreter("2.7"))
    except BuildError as error:
        pytest.skip(f"no tools for Python 2.7: {error}")
    return made


def test_a_build(
    old_assembly: Assembly, machine: Settings, old_index: Path, history: History, home: Path, backend: Backend
) -> None:
    """A commit of 2012 runs on 2.7 with what was there in 2012, and its row makes the same environment again."""
    base = history.commit(SOURCE, moment=IN_2012)
    repository = Repository.open(history.folder, home)
    with Builder(home, backend=backend, settings=machine, index=old_index) as builder:
        built = builder.build(repository, base)
        environment = built.environment
        assert (environment.recipe.python, environment.recipe.runner, built.collected) == (
            "2.7",
            "unittest",
            1,
        )
        assert [line.split(" ")[0] for line in environment.lock] == ["jam==1.0", "setuptools==44.0"]
        again = builder.rebuild(repository, base, environment)
        assert (again.venv, again.project) == (built.venv, built.project)
        assert built.fingerprints["tools"].startswith("virtualenv 20.21")
        said = backend.run(
            built.config(), ["python", "-c", "import larder, sys; print larder.spread('x'), sys.prefix"]
        )
    assert said.stdout.split("\n")[1] == "jam on x /opt/r2egym/venv", said.stderr
    texts = [path.read_bytes() for path in built.venv.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    assert not [text for text in texts if str(home).encode() in text or b"127.0.0.1" in text]
    assert (built.venv / "lib/python2.7/site-packages/jam.pyc").is_file()
    assert not (built.venv / "lib/python2.7/site-packages/pip").exists()


@pytest.mark.long
def test_an_editable_build(
    old_assembly: Assembly, machine: Settings, old_index: Path, history: History, home: Path, backend: Backend
) -> None:
    """A project's own setup.py installs it, with the setuptools that its environment need not have."""
    recipes = home / "old-recipes"
    recipes.mkdir()
    (recipes / f"{history.folder.name.removesuffix('.git')}.toml").write_text(
        'python = "2.7"\ninstall = "editable"\nrunner = "unittest"\nrequirements = ["jam"]\npackages = ["larder"]\n'
    )
    base = history.commit(SOURCE, moment=IN_2012)
    repository = Repository.open(history.folder, home)
    with Builder(home, backend=backend, settings=machine, index=old_index, recipes=recipes) as builder:
        built = builder.build(repository, base)
        assert built.environment.recipe.install == "editable"
        assert built.collected == 1
        elsewhere = built.config().model_copy(update={"cwd": "/"})
        done = backend.run(elsewhere, ["python", "-c", "import larder; print larder.__file__"])
    assert done.stdout.startswith("/testbed/larder/__init__.py"), done.stderr
    assert elsewhere.env["PYTHONDONTWRITEBYTECODE"] == "1"
    assert not list(built.generated.rglob("*.pyc"))  # type: ignore[union-attr]


def test_changed_bytes_are_refused(old_assembly: Assembly, old_index: Path, tmp_path: Path) -> None:
    """Whatever the index announces, pip requires the lock's hashes."""
    workshop = old_assembly.workshop(old_index)
    lock = ("jam==1.0 --hash=sha256:" + "0" * 64,)
    with pytest.raises(BuildError) as error:
        environment_layer(workshop, old_assembly.interpreter("2.7"), lock, IN_2012)
    assert error.value.reason == "install-failed"
    assert "hash" in error.value.log.lower()


def test_without_tools(old_assembly: Assembly, monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """An index that has another virtualenv than the one whose hash we know is of no use."""
    workshop = old_assembly.workshop(None)
    monkeypatch.setattr(
        "r2egym.building.python2._WHEELS", (("virtualenv-20.21.1-py3-none-any.whl", "0" * 64),)
    )
    with pytest.raises(BuildError, match=r"must have virtualenv-20\.21\.1") as error:
        workshop._python2.layer(old_assembly.interpreter("2.7"))
    assert error.value.reason == "no-python"


def test_it_is_among_the_recipes() -> None:
    """Where a project names both, Python 2.7 is tried third; it brings setuptools along."""
    classifiers = ["Programming Language :: Python :: 2.7", "Programming Language :: Python :: 3"]
    said = {
        "name": "larder",
        "classifiers": classifiers,
        "extras_require": {"test": ["mock"], "dev": ["nut"]},
    }
    files = Files.of({
        "setup.py": f"from setuptools import setup\nsetup(**{json.dumps(said)})\n", "larder.py": "",
        "tox.ini": "[testenv]\ndeps =\n    py3: nose\n    py2: unittest2\n",
    })  # fmt: skip
    recipes = discover(files, 1_500_000_000, ["3.13", "3.12", "3.11", "3.10", "3.9", "3.8", "3.6", "2.7"])
    assert [recipe.python for recipe in recipes[:3]] == ["3.6", "3.6", "2.7"]
    assert recipes[2].requirements == ("mock", "pytest", "setuptools")
    assert len(recipes) == 8
