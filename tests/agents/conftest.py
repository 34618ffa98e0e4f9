"""The same ground as the environment's tests stand on."""

from tests.environment.conftest import env, facilities, ground, task

__all__ = ["env", "facilities", "ground", "task"]
