"""Bounds of an episode, as a wrapper."""

from __future__ import annotations

import time
from typing import Any

import gymnasium
from gymnasium.utils import RecordConstructorArgs

from r2egym.environment.gym import RepoEnv
from r2egym.errors import UsageError


class EpisodeLimit(gymnasium.Wrapper[str, str, str, str], RecordConstructorArgs):
    """Truncates an episode after so many steps or seconds, and grades what is there then.

    ``gymnasium.wrappers.TimeLimit`` truncates with a reward of 0, whatever the agent had done by then.

    Args:
        env: what it wraps.
        steps: most steps; None: no bound.
        seconds: most wall seconds since ``reset``; looked at after each step.
        graded: whether the last step's reward is the score of the work as it is.
    """

    def __init__(
        self,
        env: gymnasium.Env[str, str],
        *,
        steps: int | None = None,
        seconds: float | None = None,
        graded: bool = True,
    ) -> None:
        RecordConstructorArgs.__init__(self, steps=steps, seconds=seconds, graded=graded)
        gymnasium.Wrapper.__init__(self, env)
        if steps is not None and steps < 1:
            raise UsageError(f"an episode has at least one step, not {steps}")
        self._steps, self._seconds, self._graded = steps, seconds, graded
        self._count, self._began = 0, time.monotonic()

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[str, dict[str, Any]]:
        """Begin to count anew."""
        self._count, self._began = 0, time.monotonic()
        return self.env.reset(seed=seed, options=options)

    def step(self, action: str) -> tuple[str, Any, bool, bool, dict[str, Any]]:
        """A step; the last one that is allowed says so in ``info["limit"]``."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        self._count += 1
        if terminated or truncated or not (limit := self._reached()):
            return observation, reward, terminated, truncated, info
        info["limit"] = limit
        base = self.unwrapped
        if self._graded and isinstance(base, RepoEnv):
            graded = base.grade()
            info |= {"reward": graded.model_dump(mode="json", exclude={"duration"})}
            info["masked"] = graded.score is None
            reward = graded.score or 0.0
        return observation, reward, False, True, info

    def _reached(self) -> str:
        if self._steps is not None and self._count >= self._steps:
            return "steps"
        if self._seconds is not None and time.monotonic() - self._began >= self._seconds:
            return "seconds"
        return ""
