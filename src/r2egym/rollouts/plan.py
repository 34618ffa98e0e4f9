"""The attempts of a run, and what each one is called."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from r2egym.agents import LoopOptions
from r2egym.records import Task, content_hash
from r2egym.rollouts.spec import RunOptions


@dataclass(frozen=True)
class Attempt:
    """One attempt at one task."""

    task: Task
    root: Path | None
    """The dataset's folder."""
    number: int
    """From 0."""
    task_hash: str
    identity: str
    """Content hash of task, agent, model, sampling, seed, attempt and limits: two attempts with one identity are one."""

    def loop(self, options: LoopOptions) -> LoopOptions:
        """The options of this attempt: its seed is the run's plus its number."""
        seed = options.sampling.seed
        if seed is None:
            return options
        sampling = options.sampling.model_copy(update={"seed": seed + self.number})
        return options.model_copy(update={"sampling": sampling})


def terms(agent: Mapping[str, JsonValue], options: RunOptions) -> dict[str, JsonValue]:
    """What all attempts of a run have in common, as part of their identity.

    How many run at once is none of it, nor what a server is asked to tell beside its answers.
    """
    return {
        "agent": dict(agent),
        "loop": options.loop.model_dump(mode="json", exclude={"logprobs"}),
        "work": options.work.model_dump(mode="json"),
    }


def plan(
    tasks: Iterable[tuple[Task, Path | None]], agent: Mapping[str, JsonValue], options: RunOptions
) -> Iterator[Attempt]:
    """The attempts, those at one task after another.

    Args:
        tasks: each with its dataset's folder.
        agent: its identity.
        options: terms.
    """
    common = content_hash(terms(agent, options))
    for task, root in tasks:
        task_hash = content_hash(task)
        for number in range(options.attempts):
            identity = content_hash({"task": task_hash, "terms": common, "attempt": number})
            yield Attempt(task, root, number, task_hash, identity)
