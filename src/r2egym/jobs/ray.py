"""An :class:`~r2egym.jobs.workers.Executor` over Ray: processes here, or on the machines of a cluster.

Each worker is an actor of one CPU that gets the function once and items one at a time; results stream back to the caller.
``$RAY_ADDRESS`` names a cluster, as everywhere in Ray; without it one is started on this machine and ends with the map.

Limits: the function, items and results must pickle. ``cancelled`` is known to the caller's process alone. On a cluster,
every machine needs this package and what the function leads to (repository, wheel folder) under the same path.
"""

from __future__ import annotations

import importlib
import itertools
import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any, Generic, TypeVar

from r2egym.errors import TaskError, UsageError
from r2egym.jobs.workers import GRACE_SECONDS, Cancellable

T = TypeVar("T")
R = TypeVar("R")


class Ray(Cancellable):
    """Spreads work over Ray's workers.

    Args:
        workers: how many items are worked on at once; never more than Ray has CPUs.
        ahead: how many results may wait for their turn; bounds memory.

    Raises:
        UsageError: Ray is not installed; the message says how to get it.
    """

    def __init__(self, workers: int, *, ahead: int | None = None) -> None:
        try:
            self._ray: Any = importlib.import_module("ray")
        except ImportError:
            raise UsageError(
                "--engine ray needs Ray: pip install 'r2egym[ray]', or uv sync --extra ray"
            ) from None
        self.workers = max(1, workers)
        self._ahead = self.workers if ahead is None else ahead
        super().__init__()

    def map(self, function: Callable[[T], R], items: Iterable[T], *, ordered: bool = True) -> Iterator[R]:
        """See :meth:`Executor.map`.

        Raises:
            TaskError: Ray does not start, or a worker (or the machine it was on) ended.
        """
        started = self._connect()
        crew: _Crew[T, R] | None = None
        try:
            crew = _Crew(self._ray, function, self.workers)
            yield from self._results(crew, items, ordered=ordered)
        except BaseException as error:
            self._cancelled.set()
            if isinstance(error, self._ray.exceptions.RayError):
                first = str(error).partition("\n")[0]
                raise TaskError(f"a worker of Ray ended: {first}; run again") from None
            raise
        finally:
            if crew is not None:
                crew.end()
            if started:
                self._ray.shutdown()

    def _results(self, crew: _Crew[T, R], items: Iterable[T], *, ordered: bool) -> Iterator[R]:
        waiting: dict[int, R] = {}
        source = enumerate(items)
        taken = given = 0
        window = crew.size + self._ahead
        while True:
            room = 0 if self.cancelled else min(crew.idle, window - (taken - given))
            for index, item in itertools.islice(source, room):
                crew.submit(index, item)
                taken += 1
            if not crew.busy:
                return
            index, result = crew.next()
            waiting[index] = result
            while waiting and (not ordered or given in waiting):
                yield waiting.pop(given if ordered else next(iter(waiting)))
                given += 1

    def _connect(self) -> bool:
        """Join or start Ray; whether it is ours to end."""
        if self._ray.is_initialized():
            return False
        with suppress(ImportError, AttributeError):  # nothing is told to anybody about who uses this
            importlib.import_module("ray._private.usage.usage_lib").set_usage_stats_enabled_via_env_var(False)
        try:
            self._ray.init(include_dashboard=False, log_to_driver=False, logging_level=logging.CRITICAL)
        except Exception as error:  # noqa: BLE001 - whatever kept Ray from starting, it says it in its own types
            first = str(error).partition("\n")[0]
            raise TaskError(
                f"Ray cannot be started or reached: {first} (its logs: /tmp/ray; or leave out --engine ray)"
            ) from None
        return True


class _Worker:
    """Runs in an actor: holds the function, and what that opened."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self._function = function

    def work(self, item: Any) -> tuple[Any, BaseException | None]:
        """The result, or what was raised: Ray's own wrapping would lose its attributes."""
        try:
            return self._function(item), None
        except Exception as error:  # noqa: BLE001 - handed to the caller, who raises it
            return None, error

    def close(self) -> None:
        """Have the function let go of what it opened."""
        close = getattr(self._function, "close", None)
        if close is not None:
            close()


class _Crew(Generic[T, R]):
    """The actors of one map."""

    def __init__(self, ray: Any, function: Callable[[T], R], workers: int) -> None:
        self._ray = ray
        self.size = max(1, min(workers, int(ray.cluster_resources().get("CPU", 1))))
        actor = ray.remote(num_cpus=1)(_Worker)
        held = ray.put(function)
        self._actors = [actor.remote(held) for _ in range(self.size)]
        self._free = list(self._actors)
        self._running: dict[Any, tuple[int, Any]] = {}

    @property
    def idle(self) -> int:
        """Workers that have nothing to do."""
        return len(self._free)

    @property
    def busy(self) -> bool:
        """Whether anything is being worked on."""
        return bool(self._running)

    def submit(self, index: int, item: T) -> None:
        """Give an item to a worker that has none."""
        actor = self._free.pop()
        self._running[actor.work.remote(item)] = index, actor

    def next(self) -> tuple[int, R]:
        """Wait for the next result; raises what the function raised."""
        (ready, *_), _ = self._ray.wait(list(self._running), num_returns=1)
        index, actor = self._running.pop(ready)
        result, error = self._ray.get(ready)
        if error is not None:
            raise error
        self._free.append(actor)
        return index, result

    def end(self) -> None:
        """Let the workers close what they opened, then end them."""
        with suppress(self._ray.exceptions.RayError):
            self._ray.wait(
                [actor.close.remote() for actor in self._actors],
                num_returns=len(self._actors),
                timeout=GRACE_SECONDS,
            )
        for actor in self._actors:
            self._ray.kill(actor)
