"""K attempts at each of N tasks, at once, until every one of them is accounted for."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from r2egym import __version__
from r2egym.agents import Agent
from r2egym.environment import Facilities
from r2egym.errors import UsageError
from r2egym.jobs import Threads
from r2egym.records import Step, Task, content_hash
from r2egym.rollouts.episode import Bounds, Episode
from r2egym.rollouts.gate import gated
from r2egym.rollouts.ledger import Ledger, StoppedError
from r2egym.rollouts.lines import Summary
from r2egym.rollouts.plan import Attempt, plan, terms
from r2egym.rollouts.spec import AgentSpec, RunOptions

Tasks = Sequence[tuple[Task, Path | None]]
_STACK = 1 << 20
"""Bytes of a thread's stack: a thousand threads wait for models and sandboxes."""
_MANY = 64
"""Attempts at once from which on the small stacks are worth it."""


@dataclass
class Progress:
    """How far a run is. A snapshot; nothing in it changes any more."""

    total: int
    done: int = 0
    resumed: int = 0
    """Of ``done``: ended in an earlier start of the run."""
    resolved: int = 0
    masked: int = 0
    steps: int = 0
    """Taken in this start."""
    tokens: int = 0
    cost: float = 0.0
    """US dollars, as far as servers told."""
    seconds: float = 0.0
    """Since this start."""
    failures: dict[str, int] = field(default_factory=dict)
    """Masked attempts by boundary."""

    @property
    def mean(self) -> float | None:
        """Mean reward of the attempts that have one."""
        rewarded = self.done - self.masked
        return self.resolved / rewarded if rewarded else None

    @property
    def rate(self) -> float:
        """Attempts a second in this start."""
        return (self.done - self.resumed) / self.seconds if self.seconds else 0.0

    @property
    def eta(self) -> float | None:
        """Seconds to go at this rate."""
        return (self.total - self.done) / self.rate if self.rate else None


Report = Callable[[Progress], None]


class _Meter:
    """Counts what happens, from any thread."""

    def __init__(self, total: int, report: Report) -> None:
        self._now = Progress(total)
        self._report = report
        self._began = time.monotonic()
        self._lock = threading.Lock()
        self._failures: Counter[str] = Counter()

    def step(self, step: Step) -> None:
        with self._lock:
            self._now.steps += 1
            self._now.tokens += max(step.token_usage_total, 0)
            self._tell()

    def end(self, summary: Summary, *, resumed: bool = False) -> None:
        with self._lock:
            now = self._now
            now.done += 1
            now.resumed += resumed
            now.resolved += bool(summary.resolved)
            now.cost += summary.cost or 0.0
            now.tokens += summary.tokens if resumed else 0
            if summary.failure is not None:
                now.masked += 1
                self._failures[str(summary.failure["boundary"])] += 1
            self._tell()

    def progress(self) -> Progress:
        with self._lock:
            return self._snapshot()

    def _tell(self) -> None:
        self._report(self._snapshot())

    def _snapshot(self) -> Progress:
        values = {
            **vars(self._now),
            "seconds": time.monotonic() - self._began,
            "failures": dict(self._failures),
        }
        return Progress(**values)


class Run:
    """A run. Iterating gives the summary of every attempt: first those that had ended before, then others as they end.

    Args:
        folder: RUN; an interrupted run goes on in it.
        tasks: each with its dataset's folder.
        spec: which agent.
        options: terms.
        facilities: where environments come from.
        source: what ``run.json`` calls the dataset.
        report: is told of progress.
        engine: what spreads the attempts: threads of this process, or Ray.
        retry_masked: run attempts again that ended without a reward in an earlier start.

    Raises:
        UsageError: the folder holds another run, or the agent cannot be made.
    """

    def __init__(
        self,
        folder: Path,
        tasks: Tasks,
        spec: AgentSpec,
        options: RunOptions,
        facilities: Facilities,
        *,
        source: str = "",
        report: Report | None = None,
        engine: Literal["local", "ray"] = "local",
        retry_masked: bool = False,
    ) -> None:
        if not tasks:
            raise UsageError("there are no tasks to run on")
        self._folder, self._tasks, self._spec, self._options = folder, tasks, spec, options
        self._facilities, self._source = facilities, source
        self._meter = _Meter(len(tasks) * options.attempts, report or (lambda _: None))
        self._stop: Callable[[], None] = lambda: None
        self._engine, self._retry_masked = engine, retry_masked

    @property
    def progress(self) -> Progress:
        """How far it is."""
        return self._meter.progress()

    def stop(self) -> None:
        """Ask it to end soon: attempts under way are taken up again by the next start."""
        self._stop()

    def __iter__(self) -> Iterator[Summary]:
        agent, model = self._spec.make()
        with ExitStack() as stack:
            if model is not None:
                stack.callback(model.close)
            attempts = list(plan(self._tasks, agent.identity(), self._options))
            if len({attempt.identity for attempt in attempts}) < len(attempts):
                raise UsageError("two tasks of the dataset are the same row")
            configuration = self._configuration(agent, len(attempts))
            start = self._on_ray if self._engine == "ray" else self._here
            yield from start(agent, configuration, attempts)

    def _known(self, ended: Mapping[str, Summary], attempts: Sequence[Attempt]) -> Iterator[Summary]:
        for attempt in attempts:
            if (summary := ended.get(attempt.identity)) is not None:
                self._meter.end(summary, resumed=True)
                yield summary

    def _here(
        self, agent: Agent, configuration: dict[str, Any], attempts: Sequence[Attempt]
    ) -> Iterator[Summary]:
        """In threads of this process."""
        options = self._options
        acting, bounds = gated(agent, options), bounds_of(options)
        with Ledger(self._folder, configuration, retry_masked=self._retry_masked) as ledger:
            self._stop = ledger.stop
            ended = dict(ledger.ended)
            yield from self._known(ended, attempts)

            def work(attempt: Attempt) -> Summary:
                episode = Episode(
                    attempt, acting, self._facilities, ledger, options, bounds=bounds, watch=self._meter.step
                )
                return episode.run()

            waiting = [attempt for attempt in attempts if attempt.identity not in ended]
            before = threading.stack_size(_STACK if options.jobs >= _MANY else 0)
            try:
                for summary in Threads(options.jobs).map(work, waiting, ordered=False):
                    self._meter.end(summary)
                    yield summary
            except StoppedError:
                return
            except BaseException:
                ledger.stop()
                raise
            finally:
                threading.stack_size(before)

    def _on_ray(
        self, agent: Agent, configuration: dict[str, Any], attempts: Sequence[Attempt]
    ) -> Iterator[Summary]:
        """On Ray's workers."""
        from r2egym.rollouts.cluster import Cluster

        del agent  # each worker makes its own
        options = self._options
        with Cluster(self._folder, configuration, options.jobs, retry_masked=self._retry_masked) as cluster:
            self._stop = cluster.stop
            yield from self._known(cluster.ended, attempts)
            waiting = [attempt for attempt in attempts if attempt.identity not in cluster.ended]
            opener = self._facilities.elsewhere()
            try:
                for summary in cluster.map(self._spec, self._options, opener, waiting):
                    self._meter.end(summary)
                    yield summary
            except BaseException:
                cluster.stop()
                raise

    def _configuration(self, agent: Agent, attempts: int) -> dict[str, Any]:
        return {
            "version": __version__,
            "dataset": self._source,
            "tasks": len(self._tasks),
            "tasks_hash": content_hash([content_hash(task) for task, _ in self._tasks]),
            "attempts": self._options.attempts,
            "planned": attempts,
            "agent": self._spec.model_dump(mode="json", exclude={"config"}),
            "terms": terms(agent.identity(), self._options),
        }


def bounds_of(options: RunOptions) -> Bounds:
    """The bounds that options ask for."""
    sandboxes = options.sandboxes or options.jobs
    return Bounds(
        sandboxes=threading.BoundedSemaphore(sandboxes), graders=threading.BoundedSemaphore(options.graders)
    )
