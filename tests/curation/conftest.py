"""The ground that the environment's tests stand on."""

from tests.environment.conftest import facilities, ground, task

__all__ = ["facilities", "ground", "task"]
