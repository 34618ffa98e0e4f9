"""The same run over Ray: episodes on many machines, one ledger on the machine that started it.

The ledger lives in an actor beside the driver. Workers send it every record and go on when it says that the record is on
disk; so a machine that is lost takes nothing with it that anybody relied on, and its attempts go on elsewhere. What a lost
machine writes after all is refused: its lease is over.

Limits: every machine needs this package, and the dataset's folder under the same path.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Any, Self

from r2egym.agents import Agent
from r2egym.environment import Facilities
from r2egym.jobs.ray import Ray
from r2egym.llm import Model
from r2egym.records import Trajectory
from r2egym.rollouts.episode import Bounds, Episode
from r2egym.rollouts.gate import gated
from r2egym.rollouts.ledger import Ledger, Line, StoppedError
from r2egym.rollouts.lines import Summary
from r2egym.rollouts.plan import Attempt
from r2egym.rollouts.spec import AgentSpec, RunOptions

_REVIVALS = 3
"""Machines that may be lost under one attempt."""
_AT_ONCE = 32
"""Attempts in one worker process: they wait for models and sandboxes."""
_CALLS = 256
"""Records that may be on their way to the disk at once."""


class LedgerKeeper:
    """Runs in an actor on the driver's machine and holds the ledger. Errors come back as values, with their types."""

    def __init__(self, folder: str, configuration: dict[str, Any], *, retry_masked: bool = False) -> None:
        self._ledger = Ledger(Path(folder), configuration, retry_masked=retry_masked)

    def ended(self) -> dict[str, Summary]:
        """See :class:`Ledger`."""
        return dict(self._ledger.ended)

    def call(self, name: str, *arguments: Any) -> tuple[Any, Exception | None]:
        """Call a method of the ledger."""
        try:
            return getattr(self._ledger, name)(*arguments), None
        except (StoppedError, OSError) as error:
            return None, error

    def close(self, *, complete: bool) -> None:
        """Give the folder back."""
        if complete:
            self._ledger.__exit__(None, None, None)
        else:
            self._ledger.close()


class RemoteScribe:
    """See :class:`r2egym.rollouts.ledger.Scribe`. Can be sent to another process."""

    def __init__(self, keeper: Any) -> None:
        self._keeper = keeper

    def claim(self, identity: str) -> tuple[int, list[Line]]:
        """See Scribe."""
        lease, lines = self._call("claim", identity)
        return lease, lines

    def append(self, line: Line) -> None:
        """See Scribe."""
        self._call("append", line)

    def finish(self, trajectory: Trajectory, lease: int) -> Summary:
        """See Scribe."""
        summary = self._call("finish", trajectory, lease)
        return Summary.model_validate(summary.model_dump())

    def _call(self, name: str, *arguments: Any) -> Any:
        ray = importlib.import_module("ray")
        result, error = ray.get(self._keeper.call.remote(name, *arguments))
        if error is not None:
            raise error
        return result


class RemoteEpisodes:
    """Attempt → summary, in whatever process it was sent to; opens there what it needs."""

    def __init__(
        self,
        keeper: Any,
        spec: AgentSpec,
        options: RunOptions,
        opener: Callable[[], Facilities],
    ) -> None:
        self._sent = (keeper, spec, options, opener)
        self._lock = Lock()
        self._ready: tuple[Facilities, Agent, Model | None, Bounds] | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self._sent

    def __call__(self, attempt: Attempt) -> Summary:
        """Run one attempt."""
        keeper, _, options, _ = self._sent
        facilities, agent, _, bounds = self._opened()
        return Episode(attempt, agent, facilities, RemoteScribe(keeper), options, bounds=bounds).run()

    def _opened(self) -> tuple[Facilities, Agent, Model | None, Bounds]:
        from r2egym.rollouts.run import bounds_of
        from r2egym.sandboxes import reap

        _, spec, options, opener = self._sent
        with self._lock:
            if self._ready is None:
                agent, model = spec.make()
                facilities = opener()
                reap(facilities.home)  # of whatever was killed on this machine
                self._ready = facilities, gated(agent, options), model, bounds_of(options)
            return self._ready

    def close(self) -> None:
        """Let go of what was opened here; twice is safe."""
        if self._ready is not None:
            facilities, _, model, _ = self._ready
            self._ready = None
            facilities.close()
            if model is not None:
                model.close()


class Cluster:
    """A run's ledger and workers on Ray. Use it in a ``with`` block.

    Raises:
        UsageError: Ray is not installed, or the folder holds another run.
        TaskError: Ray cannot be started or reached.
    """

    def __init__(
        self, folder: Path, configuration: dict[str, Any], jobs: int, *, retry_masked: bool = False
    ) -> None:
        at_once = max(1, min(_AT_ONCE, jobs))
        self._spread = Ray(jobs, at_once=at_once, revivals=_REVIVALS, ahead=jobs)
        self._started = self._spread.connect()
        self._ray: Any = importlib.import_module("ray")
        here = self._ray.get_runtime_context().get_node_id()
        pinned = importlib.import_module("ray.util.scheduling_strategies").NodeAffinitySchedulingStrategy(
            node_id=here, soft=False
        )
        keeper = self._ray.remote(num_cpus=0, max_concurrency=_CALLS, scheduling_strategy=pinned)(
            LedgerKeeper
        )
        self._keeper = keeper.remote(str(folder.absolute()), configuration, retry_masked=retry_masked)
        self._complete = False
        try:
            self.ended: dict[str, Summary] = self._ray.get(self._keeper.ended.remote())
        except BaseException as error:
            self.close()
            cause = getattr(error, "cause", None)
            if cause is not None:
                raise cause from None
            raise

    def map(
        self,
        spec: AgentSpec,
        options: RunOptions,
        opener: Callable[[], Facilities],
        attempts: Sequence[Attempt],
    ) -> Iterator[Summary]:
        """Summaries as attempts end."""
        work = RemoteEpisodes(self._keeper, spec, options, opener)
        yield from self._spread.map(work, attempts, ordered=False)
        self._complete = True

    def stop(self) -> None:
        """Take nothing more."""
        with suppress(Exception):
            self._ray.get(self._keeper.call.remote("stop"), timeout=10)

    def close(self) -> None:
        """Give the folder back, and end what was started; twice is safe."""
        with suppress(Exception):
            self._ray.get(self._keeper.close.remote(complete=self._complete), timeout=60)
        with suppress(Exception):
            self._ray.kill(self._keeper)
        if self._started:
            self._started = False
            self._ray.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
