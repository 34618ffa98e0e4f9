"""Where tools are tried: a dictionary, and a real sandbox with a writable /testbed."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.tools.bench import Bench

from r2egym.errors import SandboxError
from r2egym.sandboxes import open_backend
from r2egym.sandboxes.base import Backend, Layer, SandboxConfig
from r2egym.sandboxes.memory import MemoryBackend
from r2egym.tools import Workplace


@pytest.fixture(scope="session")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Backend:
    """The sandbox backend of this machine, tried once."""
    try:
        found = open_backend("bubblewrap", tmp_path_factory.mktemp("sandboxes"))
        found.run(SandboxConfig(), ["true"])
    except SandboxError as error:
        pytest.skip(f"no sandbox on this machine: {error}")
    return found


@pytest.fixture
def memory() -> Bench:
    """Tools over a dictionary."""
    return Bench(Workplace(MemoryBackend().open(SandboxConfig(cwd="/testbed"))))


@pytest.fixture
def real(backend: Backend, tmp_path: Path) -> Iterator[Bench]:
    """Tools over a real sandbox."""
    source = tmp_path / "source"
    source.mkdir()
    layers = (Layer(target="/testbed", sources=(source,), writable=True),)
    with backend.open(SandboxConfig(layers=layers, cwd="/testbed")) as sandbox:
        yield Bench(Workplace(sandbox, timeout=20.0))
