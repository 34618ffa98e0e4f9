"""What the tests of sandboxes share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from r2egym.errors import SandboxError
from r2egym.sandboxes import open_backend
from r2egym.sandboxes._sweep import SWEEPER
from r2egym.sandboxes.base import Backend, SandboxConfig


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for sandboxes; what is left in it at the end is a leak."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="session")
def bubblewrap(home: Path) -> Iterator[Backend]:
    """The backend, where this machine can run it."""
    backend = open_backend("bubblewrap", home)
    try:
        backend.open(SandboxConfig()).close()
    except SandboxError as error:
        pytest.skip(f"no sandboxes here: {error}")
    yield backend
    assert SWEEPER.wait(20)
    left = [path.name for path in (home / "sandboxes").iterdir() if not path.name.startswith(".")]
    assert left == []
