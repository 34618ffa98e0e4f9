"""One home, one task, one set of facilities for the tests of environments, agents and rollouts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.environment.ground import make_task, open_facilities

from r2egym.environment import Facilities, WorkEnvironment
from r2egym.errors import SandboxError
from r2egym.records import Task
from r2egym.sandboxes import open_backend
from r2egym.sandboxes.base import SandboxConfig


@pytest.fixture(scope="session")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that lives as long as the tests."""
    return tmp_path_factory.mktemp("ground")


@pytest.fixture(scope="session")
def facilities(ground: Path) -> Iterator[Facilities]:
    """What environments share."""
    backend = open_backend("bubblewrap", ground / "home")
    try:
        backend.run(SandboxConfig(), ["true"])
    except SandboxError as error:
        pytest.skip(f"no sandbox on this machine: {error}")
    with open_facilities(ground / "home", backend) as made:
        yield made


@pytest.fixture(scope="session")
def task(ground: Path) -> Task:
    """The larder's task."""
    return make_task(ground / "larder")


@pytest.fixture
def env(facilities: Facilities, task: Task) -> Iterator[WorkEnvironment]:
    """A fresh environment."""
    with WorkEnvironment(facilities, task) as made:
        yield made
