"""Many rollouts from one controller: memory with their sandboxes, the controller's own work a step, throughput as they grow.

Every rollout is a real one, but for the model and the grader: its agent recites, and all of them wait for each other once
their sandboxes are open, so that memory is taken with every one of them alive. Grading is ``bench proof``'s. The peer is a
bare loop over the same number of sandboxes and commands, without a journal, an agent or tools.
"""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from r2egym.agents import NoopAgent, Policy
from r2egym.bench import BenchLine
from r2egym.bench._bundled import make_dataset
from r2egym.bench._memory import family, pss
from r2egym.environment import Facilities, WorkEnvironment
from r2egym.errors import UsageError
from r2egym.jobs import Threads
from r2egym.records import Answer, Message, Request, Reward, Task, ToolCall
from r2egym.rollouts import Attempt, Episode, Ledger, RunOptions, Summary, plan
from r2egym.sandboxes import open_backend
from r2egym.settings import Settings
from r2egym.tasks import load_dataset
from r2egym.tools import render

T = TypeVar("T")
R = TypeVar("R")
COUNTS = (1, 10, 100, 1000)
"""Rollouts at once."""
STEPS = 10
"""Commands of a rollout."""
_COMMAND = "echo $RANDOM >>/tmp/log; wc -l </tmp/log"
_STACK = 1 << 20
"""Bytes of a thread's stack."""
_PATIENCE = 900.0
"""Seconds that rollouts wait for each other."""


def run(settings: Settings, source: str = "", *, counts: tuple[int, ...] = COUNTS) -> Iterator[BenchLine]:
    """Measure; every line comes as soon as it is known.

    Args:
        settings: where layers are kept.
        source: a dataset's folder, whose first task is taken; by default one is made of the bundled repository.
        counts: rollouts at once.

    Raises:
        UsageError: the dataset has no task.
        DatasetError: it is none.
    """
    with tempfile.TemporaryDirectory(prefix="r2egym-bench-") as folder:
        if not source:
            make_dataset(Path(folder) / "tasks", settings, 2)
        dataset = load_dataset(source or Path(folder) / "tasks")
        if not len(dataset):
            raise UsageError(f"{source or 'the bundled repository'}: no task to work on")
        with Facilities(settings.home, open_backend("bubblewrap", settings.home)) as facilities:
            yield from measure(facilities, dataset.tasks[0], dataset.root, Path(folder), counts)


def measure(
    facilities: Facilities, task: Task, root: Path | None, folder: Path, counts: tuple[int, ...] = COUNTS
) -> Iterator[BenchLine]:
    """The lines for one task.

    Args:
        facilities: where its environments come from; grading is taken as given.
        task: the row.
        root: its dataset's folder.
        folder: where runs are written.
        counts: rollouts at once.
    """
    with WorkEnvironment(facilities, task, root=root) as env:
        env.act(_call("true"))  # built and warm
    for count in counts:
        seen = _rollouts(facilities, task, root, folder / f"run{count}", count)
        bare = _bare(facilities, task, root, count)
        steps = count * STEPS
        at_once = f"{count} rollouts at once"
        note = "the same commands in as many bare sandboxes"
        yield BenchLine.of(
            f"{at_once}: steps a second", steps / seen.seconds, steps / bare.seconds, unit="", note=note
        )
        yield BenchLine.of(
            f"{at_once}: controller's CPU a step", seen.cpu / steps * 1000, bare.cpu / steps * 1000, note=note
        )
        yield BenchLine.of(f"{at_once}: memory (PSS)", seen.memory, bare.memory, unit="MiB", note=note)


@dataclass
class _Seen:
    """What was measured."""

    seconds: float = 0.0
    cpu: float = 0.0
    """Seconds of this process alone."""
    memory: float = 0.0
    """MiB of this process and all below it, with every sandbox open."""


class _Gathering:
    """Everybody waits here until all have come; the last one looks around."""

    def __init__(self, parties: int) -> None:
        self.memory = 0.0
        self._barrier = threading.Barrier(parties, action=self._look)

    def _look(self) -> None:
        self.memory = pss(family(os.getpid()))

    def wait(self) -> None:
        """Wait for all others."""
        self._barrier.wait(_PATIENCE)


class _Ungraded(Episode):
    """An episode whose reward is given."""

    def _graded(self, patch: str) -> Reward:
        del patch
        return Reward(instance_id=self._attempt.task.instance_id, resolved=False, score=0.0)


class _Gathered(NoopAgent):
    """Recites the same command; meets all others before the second."""

    def __init__(self, gathering: _Gathering) -> None:
        super().__init__()
        self._gathering = gathering

    def policy(self, task: Task, attempt: int = 0) -> Policy:
        """See Agent."""
        return _Meeting(super().policy(task, attempt), self._gathering.wait)

    def turns(self, task: Task, attempt: int = 0) -> list[str]:
        """Commands."""
        del task, attempt
        return [render(_call(_COMMAND))] * STEPS


@dataclass(frozen=True)
class _Meeting:
    inner: Policy
    wait: Callable[[], None]

    @property
    def opening(self) -> tuple[Message, ...]:
        return self.inner.opening

    def answer(self, request: Request, *, timeout: float) -> Answer:
        if sum(message.role == "assistant" for message in request.messages) == 1:
            self.wait()
        return self.inner.answer(request, timeout=timeout)


def _call(command: str) -> ToolCall:
    return ToolCall(name="execute_bash", arguments={"cmd": command})


def _clocked(work: Callable[[], None], gathering: _Gathering) -> _Seen:
    seconds, cpu = time.perf_counter(), time.process_time()
    work()
    return _Seen(time.perf_counter() - seconds, time.process_time() - cpu, gathering.memory)


def _rollouts(facilities: Facilities, task: Task, root: Path | None, folder: Path, count: int) -> _Seen:
    gathering = _Gathering(count)
    agent, options = _Gathered(gathering), RunOptions(attempts=count, jobs=count)

    def work() -> None:
        with Ledger(folder, {"bench": count}) as ledger:

            def one(attempt: Attempt) -> Summary:
                return _Ungraded(attempt, agent, facilities, ledger, options).run()

            attempts = plan([(task, root)], agent.identity(), options)
            for summary in _spread(count, one, attempts):
                if summary.failure is not None:
                    raise UsageError(f"a rollout failed: {summary.failure['cause']}")

    return _clocked(work, gathering)


def _bare(facilities: Facilities, task: Task, root: Path | None, count: int) -> _Seen:
    gathering = _Gathering(count)

    def one(_: int) -> None:
        with WorkEnvironment(facilities, task, root=root) as env:
            sandbox = env.sandbox
            for number in range(STEPS):
                if number == 1:
                    gathering.wait()
                sandbox.exec(_COMMAND)

    return _clocked(lambda: list(_spread(count, one, range(count))).clear(), gathering)


def _spread(jobs: int, function: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    before = threading.stack_size(_STACK)
    try:
        yield from Threads(jobs).map(function, items, ordered=False)
    finally:
        threading.stack_size(before)
