"""One attempt from its first step to its reward, taken up wherever it was left.

Three stages, each written down before the next begins: the agent works in a sandbox; its patch is taken out and the sandbox
closed; the patch is graded in a fresh one. What the machinery breaks is tried again within a budget, then recorded as
masked: an attempt without a reward, never one with a reward of 0.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field

from r2egym.agents import Agent, Policy, Pursuit, instruction, pursue
from r2egym.environment import Facilities, WorkEnvironment
from r2egym.errors import R2EGymError, SandboxError
from r2egym.records import Failure, Record, Reward, RolloutLimits, Step, Trajectory
from r2egym.rollouts.ledger import Line, Scribe
from r2egym.rollouts.lines import Summary
from r2egym.rollouts.plan import Attempt
from r2egym.rollouts.spec import RunOptions
from r2egym.rollouts.tape import DivergedError, JournalTape, TapeEndError

_PAUSE = 5.0
"""Seconds before an attempt that a model's server failed is taken up again; doubled each time."""


@dataclass
class Bounds:
    """What may happen at once."""

    sandboxes: AbstractContextManager[object] = field(default_factory=nullcontext)
    graders: AbstractContextManager[object] = field(default_factory=nullcontext)


class _HandIn(Record):
    """What an agent leaves behind."""

    exit_reason: str
    result: str = ""
    cost: float | None = None
    patch: str = ""
    failure: Failure | None = None


class Episode:
    """Runs one attempt.

    Args:
        attempt: which.
        agent: who.
        facilities: where environments come from.
        scribe: where it is written.
        options: terms.
        bounds: what may happen at once.
        watch: is told of every new step.
        sleep: waits; a test hands in its own.
    """

    def __init__(
        self,
        attempt: Attempt,
        agent: Agent,
        facilities: Facilities,
        scribe: Scribe,
        options: RunOptions,
        *,
        bounds: Bounds | None = None,
        watch: Callable[[Step], None] | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._attempt, self._agent, self._facilities = attempt, agent, facilities
        self._scribe, self._options = scribe, options
        self._bounds = bounds or Bounds()
        self._watch = watch
        self._sleep = sleep
        self._opening = self._policy().opening
        self._superseded = 0
        self._lease, lines = scribe.claim(attempt.identity)
        self._start = max((line["start"] for line in lines), default=0)
        self._lines: list[Line] = [line for line in lines if line["start"] == self._start]
        self._tape = self._new_tape(self._lines)

    def run(self) -> Summary:
        """Run it, or what is left of it.

        Raises:
            ModelRequestError: the model's server refuses what it is asked as such.
            StoppedError: the run is to end.
            OSError: the run's folder cannot be written.
        """
        steps, handed = self._work()
        if handed.failure is not None:
            return self._finish(steps, handed, None)
        return self._finish(steps, handed, self._grade(handed.patch))

    # --- the agent works ----------------------------------------------------------------------------------------

    def _work(self) -> tuple[tuple[Step, ...], _HandIn]:
        if (known := self._known("handin")) is not None:
            return self._recall(), _HandIn.model_validate(known)
        pause = _PAUSE
        left = self._options.retries
        while True:
            with self._bounds.sandboxes:
                steps, handed = self._session()
            if handed.failure is None or left <= 0:
                break
            left -= 1
            if handed.failure.boundary == "model":
                self._sleep(pause)
                pause *= 2
        self._tape.write("handin", handed.model_dump(mode="json"))
        return steps, handed

    def _session(self) -> tuple[tuple[Step, ...], _HandIn]:
        """Work in one sandbox until the agent hands in, or something breaks."""
        seen: list[Step] = []
        known = self._tape.outcomes

        def watch(step: Step) -> None:
            seen.append(step)
            if self._watch is not None and step.step_idx >= known:
                self._watch(step)

        env = WorkEnvironment(
            self._facilities,
            self._attempt.task,
            root=self._attempt.root,
            toolset=self._agent.toolset,
            options=self._options.work,
        )
        try:
            with env:
                pursuit = self._pursue(env, watch, seen)
                patch = "" if pursuit.failure else env.patch()
        except R2EGymError as error:
            if error.boundary not in {"sandbox", "task"}:
                raise
            return tuple(seen), self._broken(error)
        return pursuit.steps, _HandIn(
            exit_reason=pursuit.exit_reason,
            result=pursuit.result,
            cost=pursuit.cost,
            patch=patch,
            failure=pursuit.failure,
        )

    def _pursue(self, env: WorkEnvironment, watch: Callable[[Step], None], seen: list[Step]) -> Pursuit:
        """The loop, on this tape; where the tape leads elsewhere than it did, on a new one."""
        try:
            return self._loop(env, watch)
        except DivergedError as error:
            self._tape.write("superseded", str(error))
            self._superseded += 1
            self._start += 1
            self._tape = self._new_tape(())
            self._lines = []
            seen.clear()
            env.reset()
            return self._loop(env, watch)

    def _loop(self, env: WorkEnvironment, watch: Callable[[Step], None]) -> Pursuit:
        options = self._attempt.loop(self._options.loop)
        return pursue(self._agent, self._policy(), env, options, tape=self._tape, watch=watch)

    def _broken(self, error: R2EGymError) -> _HandIn:
        boundary = "sandbox" if isinstance(error, SandboxError) else "task"
        cause = str(error).partition("\n")[0][:500] or type(error).__name__
        provoked = isinstance(error, SandboxError) and self._tape.outcomes > 0
        failure = Failure.model_validate(
            {"boundary": boundary, "cause": cause, "policy_could_cause": provoked}
        )
        return _HandIn(exit_reason="environment_error", failure=failure)

    def _recall(self) -> tuple[Step, ...]:
        """The steps of an agent that has handed in: nothing is asked and nothing is run."""
        self._tape.seal()
        seen: list[Step] = []
        env = WorkEnvironment(self._facilities, self._attempt.task, toolset=self._agent.toolset)
        with suppress(TapeEndError):
            self._loop(env, seen.append)
        return tuple(seen)

    # --- the patch is graded ------------------------------------------------------------------------------------

    def _grade(self, patch: str) -> Reward:
        if (known := self._known("reward")) is not None:
            return Reward.model_validate(known)
        reward = self._graded(patch)
        for _ in range(self._options.retries):
            if reward.failure is None:
                break
            reward = self._graded(patch)
        self._tape.write("reward", reward.model_dump(mode="json"))
        return reward

    def _graded(self, patch: str) -> Reward:
        attempt, work = self._attempt, self._options.work
        with self._bounds.graders:
            return self._facilities.grade(
                attempt.task, patch, root=attempt.root, timeout=work.reward_timeout, seal=work.seal
            )

    # --- and it is written down ---------------------------------------------------------------------------------

    def _finish(self, steps: tuple[Step, ...], handed: _HandIn, reward: Reward | None) -> Summary:
        attempt, task = self._attempt, self._attempt.task
        failure = handed.failure or (reward.failure if reward else None)
        limits: RolloutLimits = self._options.loop.limits
        image = task.published.get("docker_image")
        return self._scribe.finish(
            Trajectory(
                trajectory_steps=steps,
                problem_statement=instruction(task),
                docker_image=str(image) if image else task.instance_id,
                agent_args=self._agent.identity(),
                env_args={"instance_id": task.instance_id, **self._options.work.model_dump(mode="json")},
                **limits.model_dump(),
                exit_reason=handed.exit_reason,
                output_patch=handed.patch,
                reward=reward.score if reward else None,
                instance_id=task.instance_id,
                attempt=attempt.number,
                identity=attempt.identity,
                task_hash=attempt.task_hash,
                agent=self._agent.name,
                model=self._agent.model,
                mode=self._agent.mode,
                opening=self._opening,
                result=handed.result,
                grade=reward,
                failure=failure,
                masked=failure is not None,
                superseded=self._superseded + self._start,
                cost=handed.cost,
            ),
            self._lease,
        )

    # --- small things -------------------------------------------------------------------------------------------

    def _policy(self) -> Policy:
        return self._agent.policy(self._attempt.task, self._attempt.number)

    def _new_tape(self, lines: Sequence[Line]) -> JournalTape:
        return JournalTape(self._scribe, self._attempt.identity, self._lease, self._start, lines)

    def _known(self, kind: str) -> object:
        return next((line["value"] for line in self._lines if line["kind"] == kind), None)
