"""One home, one sandbox backend and one small index for all tests of this room."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.building.workbench import History, write_build_tools, write_wheel

from r2egym.building.assembly import Assembly
from r2egym.building.interpreters import Interpreter
from r2egym.building.layers import LayerStore
from r2egym.building.workshop import Workshop
from r2egym.errors import SandboxError
from r2egym.sandboxes import open_backend
from r2egym.sandboxes.base import Backend, SandboxConfig
from r2egym.settings import Settings

MINOR = f"{sys.version_info[0]}.{sys.version_info[1]}"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LayerStore]:
    """An empty store."""
    with LayerStore(tmp_path / "store") as made:
        yield made


@pytest.fixture
def history(tmp_path: Path) -> History:
    """An empty repository."""
    return History(tmp_path / "larder.git")


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where layers and sandboxes of the tests that build go."""
    return tmp_path_factory.mktemp("building")


@pytest.fixture(scope="session")
def backend(home: Path) -> Backend:
    """The sandbox backend of this machine, tried once."""
    try:
        found = open_backend("bubblewrap", home)
        found.run(SandboxConfig(), ["true"])
    except SandboxError as error:
        pytest.skip(f"no sandbox on this machine: {error}")
    return found


@pytest.fixture(scope="session")
def settings(home: Path) -> Settings:
    """What a process would be told whose machine has one Python: the one that runs now."""
    return Settings(home=home, path=(), pyenv_root=home / "none", user_home=home / "none")


@pytest.fixture(scope="session")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of wheels: three releases of spoonful, one of them a candidate, jam which needs it, and build tools."""
    folder = tmp_path_factory.mktemp("index")
    for version, uploaded in (("1.0", "2020-01-01"), ("1.1", "2022-01-01"), ("2.0rc1", "2021-06-01")):
        files = {"spoonful/__init__.py": f'__version__ = "{version}"\n'}
        write_wheel(folder, "spoonful", version, files, uploaded=f"{uploaded}T00:00:00Z")
    write_wheel(folder, "jam", "3.0", {"jam.py": "import spoonful\n"}, requires=["spoonful>=1"])
    write_build_tools(folder)
    return folder


@pytest.fixture(scope="session")
def assembly(home: Path, backend: Backend, settings: Settings) -> Iterator[Assembly]:
    """What makes layers."""
    made = Assembly(home, backend, settings)
    yield made
    made.store.close()


@pytest.fixture(scope="session")
def workshop(assembly: Assembly, index: Path) -> Workshop:
    """Where foreign code runs."""
    return assembly.workshop(index)


@pytest.fixture(scope="session")
def interpreter(assembly: Assembly) -> Interpreter:
    """The interpreter that runs now, as environments have it."""
    return assembly.interpreter(MINOR)
