"""The gym: a task as an environment that an agent acts in.

:class:`WorkEnvironment` is the environment itself; ``RepoEnv`` shows it to Gymnasium, which is imported when that is asked for.
``gymnasium.make("r2egym.environment:r2egym/RepoEnv-v0", task=…)`` finds it by itself; so does the bare name, where this package was
imported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from r2egym.environment._registration import register, register_in_time
from r2egym.environment.facilities import Facilities
from r2egym.environment.source import TaskSource, find_task
from r2egym.environment.work import Outcome, Saved, WorkEnvironment, WorkOptions, perform

if TYPE_CHECKING:
    from r2egym.environment.gym import RepoEnv
    from r2egym.environment.limits import EpisodeLimit

__all__ = [
    "EpisodeLimit",
    "Facilities",
    "Outcome",
    "RepoEnv",
    "Saved",
    "TaskSource",
    "WorkEnvironment",
    "WorkOptions",
    "find_task",
    "perform",
    "register",
]


def __getattr__(name: str) -> Any:
    if name == "RepoEnv":
        from r2egym.environment.gym import RepoEnv

        return RepoEnv
    if name == "EpisodeLimit":
        from r2egym.environment.limits import EpisodeLimit

        return EpisodeLimit
    raise AttributeError(name)


register_in_time()
