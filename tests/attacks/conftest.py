"""What the tests of this room share: a sandbox backend, the bundled tasks, and the small project's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.attacks.larder import Larder, open_larder
from tests.attacks.wares import Wares, make
from tests.grading.workbench import FixedBuilder
from tests.testing.sandboxed import running_venv

from r2egym.errors import SandboxError
from r2egym.grading import GradeOptions, Grader
from r2egym.sandboxes import open_backend
from r2egym.sandboxes.base import Backend, SandboxConfig


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where layers and sandboxes go: one place for all workers of a test run, so that each layer is built once."""
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if base.name.startswith("popen-") else base) / "attacks-home"
    shared.mkdir(exist_ok=True)
    return shared


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
def larder(home: Path, backend: Backend, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Larder]:
    """The bundled repository's tasks and their grader."""
    with open_larder(tmp_path_factory.mktemp("larder"), home, backend) as opened:
        yield opened


@pytest.fixture(scope="session")
def wares(tmp_path_factory: pytest.TempPathFactory) -> Wares:
    """The small project."""
    return make(tmp_path_factory.mktemp("wares") / "repository")


@pytest.fixture(scope="session")
def grader(tmp_path_factory: pytest.TempPathFactory, backend: Backend) -> Iterator[Grader]:
    """The real grader for tasks of the small project; its environment is the interpreter that runs these tests."""
    home = tmp_path_factory.mktemp("wares-home")
    with FixedBuilder(home, backend=backend) as builder:
        builder.venv = running_venv(home / "venv")
        yield Grader(builder, backend, GradeOptions(timeout=60, test_timeout=10))
