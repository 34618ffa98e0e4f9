"""The ground that the environment's tests stand on."""

from tests.environment.conftest import ground, task

__all__ = ["ground", "task"]
