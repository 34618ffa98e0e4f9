"""The same ground as the environment's tests stand on, and a row of it."""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.environment.conftest import facilities, ground, task

from r2egym.agenthub.environment.env import EnvArgs, RepoEnv
from r2egym.environment import Facilities
from r2egym.records import Task
from r2egym.tasks import to_row

__all__ = ["facilities", "ground", "task"]


@pytest.fixture
def row(task: Task) -> dict[str, Any]:
    """The task as a row."""
    return to_row(task)


@pytest.fixture
def hub(facilities: Facilities, row: dict[str, Any]) -> Iterator[RepoEnv]:
    """A fresh published environment."""
    with RepoEnv(EnvArgs(ds=row), facilities=facilities) as env:
        yield env
