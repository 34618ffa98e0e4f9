"""A task as a Gymnasium environment over text: actions are calls, observations are what tools print.

The reward is 0 until the agent hands in its work; then it is the score of a grading run in a fresh sandbox. When grading
itself broke there is no reward: the episode is truncated, ``info["masked"]`` is true, and a trainer leaves it out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import gymnasium
import numpy as np
from gymnasium.spaces import Space
from numpy.typing import NDArray

from r2egym import settings
from r2egym.environment.facilities import BackendName, Facilities
from r2egym.environment.source import TaskSource, find_task
from r2egym.environment.work import Outcome, Saved, WorkEnvironment, WorkOptions
from r2egym.errors import SandboxError, UsageError
from r2egym.records import Failure, Reward, ToolCall
from r2egym.tools import R2EGYM, Toolset, parse

Info = dict[str, Any]


class Text(Space[str]):
    """Any text: what models write and tools print has no alphabet and no greatest length.

    Args:
        calls: XML calls to sample from; none: short texts.
        seed: as for every space.
    """

    def __init__(self, calls: tuple[str, ...] = (), seed: int | np.random.Generator | None = None) -> None:
        super().__init__(dtype=None, seed=seed)
        self._calls = calls

    @property
    def is_np_flattenable(self) -> bool:
        """Text is no array."""
        return False

    def sample(self, mask: NDArray[Any] | None = None, probability: NDArray[Any] | None = None) -> str:
        """One of the calls, or a few letters."""
        if mask is not None or probability is not None:
            raise UsageError("a space of text takes no mask")
        if self._calls:
            return self._calls[int(self.np_random.integers(len(self._calls)))]
        return "".join(self.np_random.choice(list("abcdefgh \n"), size=12))

    def contains(self, x: object) -> bool:
        """Whether it is text."""
        return isinstance(x, str)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Text) and other._calls == self._calls

    def __hash__(self) -> int:
        return hash(self._calls)

    def __repr__(self) -> str:
        return "Text()"


_SAMPLES = (
    "<function=file_editor>\n  <parameter=command>view</parameter>\n  <parameter=path>/testbed</parameter>\n</function>",
    "<function=search>\n  <parameter=search_term>def </parameter>\n</function>",
    "I do not know yet.",
)


class RepoEnv(gymnasium.Env[str, str]):
    """One task as an episode.

    An action is what a model wrote: text that ends in an XML call, or a JSON object ``{"name": …, "arguments": …}``.

    Args:
        task: a task, a row, a dataset's folder or file, or an id on the hub.
        instance_id: which task of a dataset.
        split: which split of a dataset of the hub.
        backend: ``auto`` is bubblewrap for rows that hold an environment.
        step_timeout: wall seconds a command.
        reward_timeout: wall seconds of a grading run.
        history: what ``.git`` holds.
        persistent_shell: whether bash commands share one shell.
        seal: whether a sealed run must agree with a reward of 1 (see docs/rewards.md).
        render_mode: ``ansi``: :meth:`render` gives the last observation.
        home: ``$R2EGYM_HOME``, when it is another.
        index: a folder of wheels instead of the package index.
        root: the dataset's folder, for a row that refers to files in it.
        toolset: what an agent may call.
        facilities: what environments share; None: this process's own.

    Raises:
        DatasetError, UsageError: there is no such task.
    """

    metadata = {"render_modes": ["ansi"], "render_fps": 1}

    def __init__(
        self,
        task: TaskSource,
        *,
        instance_id: str | None = None,
        split: str | None = None,
        backend: BackendName = "auto",
        step_timeout: float = 90.0,
        reward_timeout: float | None = None,
        history: Literal["past", "none"] = "past",
        persistent_shell: bool = False,
        seal: bool = False,
        render_mode: str | None = None,
        home: str | Path | None = None,
        index: str | Path | None = None,
        root: str | Path | None = None,
        toolset: Toolset = R2EGYM,
        facilities: Facilities | None = None,
    ) -> None:
        place = Path(home) if home else settings.load().home
        self.task, found = find_task(
            task, place, instance_id=instance_id, split=split, root=Path(root) if root else None
        )
        self.work = WorkEnvironment(
            facilities
            or Facilities.shared(home=place, backend=backend, index=Path(index) if index else None),
            self.task,
            root=found,
            toolset=toolset,
            options=WorkOptions(
                step_timeout=step_timeout,
                reward_timeout=reward_timeout,
                history=history,
                persistent_shell=persistent_shell,
                seal=seal,
            ),
        )
        self.render_mode = render_mode
        self.action_space = Text(_SAMPLES)
        self.observation_space = Text()
        self.reward: Reward | None = None
        self._observation = ""

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[str, Info]:
        """The base state, in milliseconds, and the task's statement.

        Args:
            seed: of the spaces; a task has no chance in it.
            options: ``{"snapshot": saved}`` goes back to a snapshot instead.

        Raises:
            SandboxError: no sandbox can be had.
        """
        super().reset(seed=seed)
        saved = (options or {}).get("snapshot")
        if saved is not None and not isinstance(saved, Saved):
            raise UsageError('options["snapshot"] takes what RepoEnv.snapshot() gave')
        self.work.reset(saved)
        self.reward = None
        self._observation = self.task.problem_statement
        return self._observation, {"instance_id": self.task.instance_id, "masked": False}

    def step(self, action: str) -> tuple[str, float, bool, bool, Info]:
        """Run the call in a text; at the end of the work, grade it.

        Returns:
            Observation, reward, terminated, truncated, and ``info``: ``call`` (as it was run), ``repairs``,
            ``refused``, ``exit_code``, ``timed_out``, ``masked``, and at the end ``reward`` (all that grading said) and
            ``failure``.
        """
        try:
            outcome = self.work.act(read_action(action))
        except SandboxError as error:
            return self._broken(str(error))
        self._observation = outcome.observation
        info: Info = {"masked": False, **_told(outcome)}
        if not outcome.done:
            return outcome.observation, 0.0, False, False, info
        reward = self.grade()
        info |= {"reward": reward.model_dump(mode="json", exclude={"duration"}), "result": outcome.result}
        if reward.score is None:
            info |= {"masked": True, "failure": reward.failure and reward.failure.model_dump(mode="json")}
            return outcome.observation, 0.0, False, True, info
        return outcome.observation, reward.score, True, False, info

    def _broken(self, cause: str) -> tuple[str, float, bool, bool, Info]:
        failure = Failure(boundary="sandbox", cause=cause[:500], policy_could_cause=True)
        self._observation = f"The sandbox broke: {cause}"
        return (
            self._observation,
            0.0,
            False,
            True,
            {"masked": True, "failure": failure.model_dump(mode="json")},
        )

    def grade(self) -> Reward:
        """Grade the work tree as it is, in a fresh sandbox."""
        try:
            self.reward = self.work.grade()
        except SandboxError as error:
            failure = Failure(boundary="sandbox", cause=str(error)[:500], policy_could_cause=True)
            self.reward = Reward(
                instance_id=self.task.instance_id, resolved=None, score=None, failure=failure
            )
        return self.reward

    def snapshot(self) -> Saved:
        """The state as it is now, for ``reset(options={"snapshot": …})`` and :meth:`fork`."""
        return self.work.snapshot()

    def fork(self, saved: Saved | None = None) -> RepoEnv:
        """A second environment that goes on from a snapshot, or from here; this one is not touched."""
        other = object.__new__(RepoEnv)
        other.__dict__.update(self.__dict__)
        other.work = self.work.fork(saved)
        other.action_space, other.observation_space = Text(_SAMPLES), Text()
        return other

    def render(self) -> str | None:
        """The last observation."""
        return self._observation if self.render_mode == "ansi" else None

    def close(self) -> None:
        """End its sandbox; twice is safe."""
        self.work.close()


def read_action(text: str) -> ToolCall | None:
    """The call in what a model wrote; None when there is none."""
    if text.lstrip().startswith("{"):
        try:
            value = json.loads(text)
        except ValueError:
            value = None
        if isinstance(value, Mapping) and isinstance(value.get("name"), str):
            arguments = value.get("arguments")
            return ToolCall(name=value["name"], arguments=arguments if isinstance(arguments, dict) else {})
    return parse(text).call


def _told(outcome: Outcome) -> Info:
    call = outcome.call.model_dump(mode="json") if outcome.call else None
    told = outcome.model_dump(mode="json", include={"repairs", "refused", "exit_code", "timed_out"})
    return {"call": call, **told}
