"""From a commit to an environment that runs, and back from a row; and what is said when there is none."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.building.conftest import MINOR
from tests.building.workbench import History, write_wheel

from r2egym.building import Builder, Built
from r2egym.demo import Demo, unpack
from r2egym.errors import BuildError, RecipeError, TaskError
from r2egym.mining import Repository
from r2egym.records import Environment, Recipe, Task
from r2egym.sandboxes.base import Backend
from r2egym.settings import Settings


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """The bundled repository and its wheels."""
    return unpack(tmp_path_factory.mktemp("demo"))


@pytest.fixture(scope="module")
def builder(home: Path, backend: Backend, settings: Settings, demo: Demo) -> Iterator[Builder]:
    """A builder whose index is the demo's."""
    with Builder(home, backend=backend, settings=settings, index=demo.index) as made:
        yield made


@pytest.fixture(scope="module")
def repository(demo: Demo) -> Repository:
    """The bundled repository."""
    return Repository(demo.repository)


@pytest.fixture(scope="module")
def built(builder: Builder, repository: Repository, demo: Demo) -> Built:
    """The environment of an early commit."""
    return builder.build(repository, list(demo.outcomes)[8])


def reason(builder: Builder, repository: Repository) -> BuildError:
    """Why the newest commit cannot be built."""
    with pytest.raises(BuildError) as error:
        builder.build(repository, "HEAD")
    assert "\n" not in str(error.value)
    return error.value


def test_discovered_and_dated(builder: Builder, repository: Repository, demo: Demo, built: Built) -> None:
    """An early commit gets the library of its time, the newest a later one; neither row names a place."""
    late = builder.build(repository, "HEAD")
    versions = [env.lock[-1].split(" ")[0] for env in (built.environment, late.environment)]
    assert versions[0] == "spoonful==1.0"
    assert versions[1] > versions[0]
    assert built.collected
    for text in (built.environment.model_dump_json(), late.environment.model_dump_json()):
        assert "://" not in text
        assert str(builder.store.home) not in text
        assert str(demo.repository) not in text
    assert built.fingerprints["interpreter"].startswith(f"cpython {MINOR}")
    assert builder.census(built) == {"objects": builder.census(built)["objects"], "foreign": 0}
    assert builder.census(built, "none")["foreign"] == 0


def test_inside(builder: Builder, built: Built, backend: Backend) -> None:
    """In its sandbox git tells the past and finds nothing changed, and the tests run on the environment's Python."""
    with backend.open(built.config()) as sandbox:
        said = sandbox.exec("git status --porcelain && git log --format=%H && readlink .venv")
        assert said.stderr == ""
        lines = said.stdout.split()
        assert lines[0] == built.base_commit
        assert lines[-1] == "/opt/r2egym/venv"
        assert len(lines) > 3
        done = sandbox.exec("python -m pytest -q -x && git status --porcelain", timeout=60)
        assert "passed" in done.stdout, done.stdout
        assert done.exit_code == 0
        assert (
            sandbox.exec("git gc -q && git commit -q --allow-empty -m x && git log -1 --format=%an").stdout
            == "developer\n"
        )
    with backend.open(built.config(history="none")) as sandbox:
        assert len(sandbox.exec("git log --format=%H").stdout.split()) == 1
        assert sandbox.exec("git status --porcelain").stdout == ""
    assert builder.census(built)["foreign"] == 0


def test_again_from_its_row(
    builder: Builder, repository: Repository, built: Built, tmp_path: Path, demo: Demo, backend: Backend,
    settings: Settings,
) -> None:  # fmt: skip
    """The row alone leads to the same layers; with one byte of a wheel changed there is no environment at all."""
    again = builder.rebuild(repository, built.base_commit, built.environment)
    assert (again.venv, again.tree, again.project) == (built.venv, built.tree, built.project)
    index = Path(shutil.copytree(demo.index, tmp_path / "index"))
    write_wheel(index, "spoonful", "1.0", {"spoonful/__init__.py": "evil = True\n"})
    fresh = built.environment.model_copy(update={"lock": built.environment.lock[-1:]})
    with (
        Builder(settings.home, backend=backend, settings=settings, index=index) as other,
        pytest.raises(BuildError) as error,
    ):
        other.rebuild(repository, built.base_commit, fresh)
    assert error.value.reason == "install-failed"


def test_rows_stay_in_their_folder(builder: Builder, built: Built, tmp_path: Path) -> None:
    """A row that leads out of its dataset's folder, or into one that is not there, is refused."""
    task = Task.model_construct(instance_id="larder__0", base_commit=built.base_commit)
    for place, root in (("../elsewhere.bundle", tmp_path), ("/etc", tmp_path), ("repos/x.bundle", None)):
        environment = built.environment.model_copy(update={"repository": place, "index": "default"})
        with pytest.raises(TaskError, match="larder__0: its row leads"):
            builder.for_task(task.model_copy(update={"environment": environment}), root)


GOOD = {"larder/__init__.py": "", "tests/test_it.py": "import larder\n\ndef test_it():\n    assert larder\n"}


@pytest.mark.parametrize(
    ("files", "code", "words"),
    [
        ({"README": "no code\n"}, "no-recipe", "no Python file"),
        ({**GOOD, "pyproject.toml": '[project]\nname = "larder"\nrequires-python = ">=3.99"\n'}, "no-python", "3.99"),
        ({**GOOD, "pyproject.toml": '[project]\nname = "larder"\ndependencies = ["nowhere-to-be-found"]\n'},
         "resolve-failed", "nowhere-to-be-found"),
        ({**GOOD, "larder/__init__.py": "import nothing_of_the_kind\n"}, "import-failed", "nothing_of_the_kind"),
        ({**GOOD, "tests/test_it.py": "import nothing_of_the_kind\n"}, "collect-failed", "nothing_of_the_kind"),
    ],
    ids=["no-recipe", "no-python", "resolve-failed", "import-failed", "collect-failed"],
)  # fmt: skip
def test_reasons(builder: Builder, history: History, files: dict[str, str], code: str, words: str) -> None:
    """A commit that cannot be built has a stable reason code and one line; what the tools said is kept in a log."""
    commit = history.commit(files)
    error = reason(builder, Repository(history.folder))
    assert error.reason == code
    assert words in str(error)
    log = (builder.store.home / f"logs/larder-{commit[:12]}.log").read_text()
    assert log.startswith(f"larder {commit}\n{code}: ")
    assert words in log


def test_recipe_files(
    builder: Builder, backend: Backend, history: History, tmp_path: Path, demo: Demo
) -> None:
    """A recipe file of the repository's name is believed alone; a bad one is told in one line."""
    history.commit({**GOOD, "setup.py": "raise SystemExit('never asked')\n"})
    (tmp_path / "larder.toml").write_text(
        f'python = "{MINOR}"\nrunner = "unittest"\ninstall = "path"\npackages = ["larder"]\n'
    )
    known = {"backend": backend, "recipes": tmp_path, "index": demo.index}
    settings = Settings(home=builder.store.home, path=(), pyenv_root=tmp_path, user_home=tmp_path)
    with Builder(builder.store.home, settings=settings, **known) as own:  # type: ignore[arg-type]
        found = own.build(Repository(history.folder), "HEAD").environment
        assert found.recipe.origin == "recipes/larder.toml"
        assert found.lock == ()
        (tmp_path / "larder.toml").write_text('pyhton = "3.11"\n')
        with pytest.raises(RecipeError, match=r"larder\.toml: not a recipe"):
            own.build(Repository(history.folder), "HEAD")


def test_computed_dependencies_are_asked_for(builder: Builder, backend: Backend, settings: Settings, index: Path, history: History) -> None:  # fmt: skip
    """What a setup.py computes is learnt by running it in a build sandbox, before requirements are resolved."""
    history.commit({
        **GOOD,
        "setup.py": "from setuptools import setup\nsetup(name='larder', install_requires=['ja' + c for c in 'm'])\n",
    })  # fmt: skip
    with Builder(settings.home, backend=backend, settings=settings, index=index) as own:
        found = own.build(Repository(history.folder), "HEAD").environment
    assert [line.split("==")[0] for line in found.lock] == ["jam", "spoonful"]
    assert found.recipe.runner == "unittest"  # this index has no pytest


def test_no_index(backend: Backend, settings: Settings, history: History) -> None:
    """When the package index does not answer, that is the reason, and no other recipe is tried in vain."""
    history.commit(GOOD)
    deaf = replace(settings, index_address="http://127.0.0.1:9/simple/")
    with Builder(settings.home, backend=backend, settings=deaf) as own:
        error = reason(own, Repository(history.folder))
    assert error.reason == "index-unreachable"
    assert "127.0.0.1" in str(error)


def test_python_that_is_not_here(builder: Builder, repository: Repository) -> None:
    """A row for a Python that this machine lacks says which one, and how to get it."""
    row = Environment(repository="x", recipe=Recipe(python="3.99"), as_of="2024-01-01T00:00:00Z", lock=())
    with pytest.raises(BuildError, match=r"Python 3\.99 is needed .* install it") as error:
        builder.rebuild(repository, "HEAD", row)
    assert error.value.reason == "no-python"
