"""One sandbox backend, one virtual environment and one grader for all tests of this room."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.grading.workbench import FixedBuilder, Workbench
from tests.testing.sandboxed import running_venv

from r2egym.errors import SandboxError
from r2egym.grading import GradeOptions, Grader
from r2egym.records import Task
from r2egym.sandboxes import open_backend
from r2egym.sandboxes.base import Backend


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where layers and sandboxes go."""
    return tmp_path_factory.mktemp("grading")


@pytest.fixture(scope="session")
def backend(home: Path) -> Backend:
    """The sandbox backend of this machine, tried once."""
    from r2egym.sandboxes.base import SandboxConfig

    try:
        found = open_backend("bubblewrap", home)
        found.run(SandboxConfig(), ["true"])
    except SandboxError as error:
        pytest.skip(f"no sandbox on this machine: {error}")
    return found


@pytest.fixture(scope="session")
def builder(home: Path, backend: Backend) -> Iterator[FixedBuilder]:
    """A builder whose only environment is that of this test run."""
    with FixedBuilder(home, backend=backend) as made:
        made.venv = running_venv(home / "venv")
        yield made


@pytest.fixture(scope="session")
def grader(builder: FixedBuilder, backend: Backend) -> Grader:
    """The grader."""
    return Grader(builder, backend, GradeOptions(timeout=60, test_timeout=10))


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Workbench:
    """The repository."""
    return Workbench(tmp_path_factory.mktemp("larder"))


@pytest.fixture(scope="session")
def task(bench: Workbench) -> Task:
    """Its task."""
    return bench.task()
