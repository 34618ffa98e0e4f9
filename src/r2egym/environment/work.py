"""A task's environment at work: a sandbox, the tools in it, and what they remember.

This is what the gym shows and what agents act in. It holds one sandbox; ``reset`` brings the base state back,
``snapshot`` and ``fork`` copy files and what tools remember together. Rewards come from grading alone, in another
sandbox that starts fresh.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

from pydantic import Field

from r2egym.building.published_images import image_of
from r2egym.environment.facilities import Facilities
from r2egym.environment.patch import PRISTINE, output_patch
from r2egym.errors import SandboxClosedError
from r2egym.records import Record, Reward, Task, ToolCall
from r2egym.sandboxes.base import Layer, Limits, Sandbox, SandboxConfig, Snapshot
from r2egym.tools import R2EGYM, BadCallError, Memory, ToolResult, Toolset, Workplace, render_observation

TESTBED = "/testbed"


class WorkOptions(Record):
    """How an environment is run."""

    step_timeout: float = 90.0
    """Wall seconds a command."""
    reward_timeout: float | None = None
    """Wall seconds of a grading run; None: the grader's own."""
    history: Literal["past", "none"] = "past"
    """What ``.git`` holds: the base's past, or one commit."""
    persistent_shell: bool = False
    """Whether bash commands share one shell, or each begins anew in ``/testbed``, as the published tools do."""
    limits: Limits = Limits()
    """Bounds of the sandbox."""
    seal: bool = Field(default=False, exclude_if=lambda seal: not seal)
    """Whether a sealed run must agree with a reward of 1. Not written where it is off, so that runs of versions that knew
    no seal keep their identity."""
    user_commands: bool = False
    """Whether ``/usr/local/bin`` takes writes, for a user's own scripts."""


class Outcome(Record):
    """What one turn did."""

    call: ToolCall | None = None
    """As it was run, repairs made."""
    observation: str
    """What the agent is shown."""
    exit_code: int | None = None
    """Of the command, when one was run."""
    done: bool = False
    """Whether the agent has handed in its work."""
    result: str = ""
    """What it said when it did."""
    repairs: tuple[str, ...] = ()
    """What had to be mended in the call."""
    refused: bool = False
    """Whether the call could not be run at all."""
    timed_out: bool = False
    seconds: float = 0.0
    """Wall seconds."""


def perform(
    toolset: Toolset, workplace: Callable[[], Workplace], call: ToolCall | None, timeout: float
) -> Outcome:
    """Run one call where an agent works, and say what came of it. Whatever an agent does is an outcome.

    Args:
        toolset: what may be called.
        workplace: opens the place; only asked for when a call can be run.
        call: None: the agent made none.
        timeout: wall seconds.

    Raises:
        SandboxError: the sandbox broke.
    """
    started = time.monotonic()
    if call is None:
        return Outcome(observation=render_observation(None, ToolResult(output="")), refused=True)
    if call.broken:
        return Outcome(call=call, observation=f"The call cannot be read: {call.broken}", refused=True)
    try:
        ready, repairs = toolset.check(call)
    except BadCallError as error:
        return Outcome(call=call, observation=str(error), refused=True)
    place = workplace()
    place.timeout = timeout
    result = toolset.run(place, ready)
    return Outcome(
        call=ready,
        observation=render_observation(ready, result),
        exit_code=result.exit_code,
        done=result.done,
        result=result.result,
        repairs=repairs,
        timed_out=result.timed_out,
        seconds=time.monotonic() - started,
    )


@dataclass
class Saved:
    """A snapshot of an environment."""

    sandbox: Snapshot
    memory: Memory
    done: bool
    result: str

    def discard(self) -> None:
        """Free what it holds; twice is safe."""
        self.sandbox.discard()


class WorkEnvironment:
    """One sandbox on one task. Not for several threads at once. Use it in a ``with`` block.

    Args:
        facilities: where it comes from.
        task: the row.
        root: the dataset's folder, when the row leads to files in it.
        toolset: what an agent may call.
        options: how it is run.
    """

    def __init__(
        self,
        facilities: Facilities,
        task: Task,
        *,
        root: Path | None = None,
        toolset: Toolset = R2EGYM,
        options: WorkOptions | None = None,
    ) -> None:
        self.facilities = facilities
        self.task = task
        self.root = root
        self.toolset = toolset
        self.options = options or WorkOptions()
        self.done = False
        self.result = ""
        self._sandbox: Sandbox | None = None
        self._memory = Memory()
        self._place: Workplace | None = None

    # --- life ---------------------------------------------------------------------------------------------------

    @property
    def sandbox(self) -> Sandbox:
        """The sandbox; opened when it is first asked for. Raises SandboxError, TaskError."""
        if self._sandbox is None:
            self._sandbox = self.facilities.backend.open(self.config())
        return self._sandbox

    def reset(self, saved: Saved | None = None) -> None:
        """Back to the base state, or to a snapshot. A sandbox that died is replaced.

        Raises:
            SandboxError: no sandbox can be had, or the one that the snapshot belongs to is gone.
        """
        self._place = None
        if self._sandbox is not None and (saved is not None or self._sandbox.is_alive()):
            self._sandbox.reset(saved.sandbox if saved else None)
        elif saved is not None:
            raise SandboxClosedError("the snapshot's sandbox is closed")
        else:
            self.close()
            _ = self.sandbox
        self._memory = saved.memory.copy() if saved else Memory()
        self.done, self.result = (saved.done, saved.result) if saved else (False, "")

    def snapshot(self) -> Saved:
        """Files, shells and what tools remember, as they are now; running processes are not kept."""
        return Saved(self.sandbox.snapshot(), self._memory.copy(), self.done, self.result)

    def fork(self, saved: Saved | None = None) -> WorkEnvironment:
        """A second environment that goes on from a snapshot, or from here."""
        other = WorkEnvironment(
            self.facilities, self.task, root=self.root, toolset=self.toolset, options=self.options
        )
        other._sandbox = self.sandbox.fork(saved.sandbox if saved else None)
        other._memory = (saved.memory if saved else self._memory).copy()
        other.done, other.result = (saved.done, saved.result) if saved else (self.done, self.result)
        return other

    def close(self) -> None:
        """End its sandbox; twice is safe."""
        self._place = None
        if self._sandbox is not None:
            self._sandbox.close()
            self._sandbox = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- work ---------------------------------------------------------------------------------------------------

    def act(self, call: ToolCall | None, *, timeout: float | None = None) -> Outcome:
        """Run one call and say what came of it. Whatever an agent does is an outcome.

        Args:
            call: None: the agent made none.
            timeout: wall seconds; None: the options' ``step_timeout``.

        Raises:
            SandboxError: the sandbox broke.
        """
        outcome = perform(
            self.toolset, self._workplace, call, self.options.step_timeout if timeout is None else timeout
        )
        if outcome.done:
            self.done, self.result = True, outcome.result
        return outcome

    def patch(self) -> str:
        """What differs from the base commit; see :mod:`r2egym.environment.patch`. Raises SandboxError."""
        return output_patch(self.sandbox)

    def grade(self, patch: str | None = None) -> Reward:
        """The reward of a patch, by default of the work tree as it is. Raises SandboxError when that cannot be read."""
        text = self.patch() if patch is None else patch
        return self.facilities.grade(
            self.task, text, root=self.root, timeout=self.options.reward_timeout, seal=self.options.seal
        )

    def _workplace(self) -> Workplace:
        if self._place is None:
            sandbox = self.sandbox
            session = None
            if self.options.persistent_shell:
                session = sandbox.sessions[0] if sandbox.sessions else sandbox.session()
            self._place = Workplace(sandbox=sandbox, cwd=TESTBED, memory=self._memory, session=session)
        return self._place

    def config(self) -> SandboxConfig:
        """What its sandbox is made from; the environment is built when it is not there. Raises TaskError."""
        if image_of(self.task):
            image = self.facilities.published(self.task)
            pristine = Layer(target=PRISTINE, sources=(image.git,))
            return image.config(extra=(pristine,), limits=self.options.limits)
        built = self.facilities.built(self.task, self.root)
        extra = [Layer(target=PRISTINE, sources=(built.history(self.options.history) / ".git",))]
        local = Path("/usr/local/bin")
        if self.options.user_commands and local.is_dir():
            extra.append(Layer(target=str(local), sources=(local,), writable=True))
        return built.config(history=self.options.history, extra=tuple(extra), limits=self.options.limits)
