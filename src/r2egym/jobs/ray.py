"""An :class:`~r2egym.jobs.workers.Executor` over Ray: processes here, or on the machines of a cluster.

Each worker is an actor of one CPU that gets the function once and items one at a time, or a few; results stream back to the caller.
``$RAY_ADDRESS`` names a cluster, as everywhere in Ray; without it one is started on this machine and ends with the map.

Limits: the function, items and results must pickle. ``cancelled`` is known to the caller's process alone. On a cluster,
every machine needs this package and what the function leads to (repository, wheel folder) under the same path.
"""

from __future__ import annotations

import importlib
import itertools
import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any, Generic, TypeVar

from r2egym.errors import MissingExtraError, TaskError
from r2egym.jobs.workers import GRACE_SECONDS, Cancellable

T = TypeVar("T")
R = TypeVar("R")

NO_WORKER_SECONDS = 600.0
"""How long a map waits for a worker when every one it had is lost."""


class Ray(Cancellable):
    """Spreads work over Ray's workers.

    Args:
        workers: how many items are worked on at once; never more than Ray has CPUs.
        ahead: how many results may wait for their turn; bounds memory.
        at_once: how many items one worker process works on at once at most, in threads; there is one process a CPU.
        revivals: how often an item is given to another worker when its own ended, or the machine it was on.

    Raises:
        MissingExtraError: Ray is not installed.
    """

    def __init__(
        self, workers: int, *, ahead: int | None = None, at_once: int = 1, revivals: int = 0
    ) -> None:
        try:
            self._ray: Any = importlib.import_module("ray")
        except ImportError:
            raise MissingExtraError("--engine ray needs Ray", "ray") from None
        self.workers = max(1, workers)
        self._ahead = self.workers if ahead is None else ahead
        self._at_once, self._revivals = max(1, at_once), revivals
        super().__init__()

    def map(self, function: Callable[[T], R], items: Iterable[T], *, ordered: bool = True) -> Iterator[R]:
        """See :meth:`Executor.map`.

        Raises:
            TaskError: Ray does not start, or a worker (or the machine it was on) ended.
        """
        started = self.connect()
        crew: _Crew[T, R] | None = None
        try:
            crew = _Crew(self._ray, function, self.workers, self._at_once, self._revivals)
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

    def connect(self) -> bool:
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

    def ready(self) -> None:
        """Say that this worker is there."""

    def close(self) -> None:
        """Have the function let go of what it opened."""
        close = getattr(self._function, "close", None)
        if close is not None:
            close()


class _Crew(Generic[T, R]):
    """The actors of one map. Each has so many slots, and is listed as free once for every slot that is."""

    def __init__(
        self, ray: Any, function: Callable[[T], R], workers: int, at_once: int, revivals: int
    ) -> None:
        self._ray = ray
        cpus = max(1, int(ray.cluster_resources().get("CPU", 1)))
        at_once = min(at_once, -(-workers // cpus))
        processes = min(-(-workers // at_once), cpus)
        self.size = min(workers, processes * at_once)
        self._at_once, self._revivals = at_once, revivals
        self._actor = ray.remote(num_cpus=1, max_concurrency=at_once + 1)(_Worker)
        self._held = ray.put(function)
        self._actors = [self._actor.remote(self._held) for _ in range(processes)]
        self._free = (self._actors * at_once)[: self.size]
        self._running: dict[Any, tuple[int, T, Any]] = {}
        self._deaths: dict[int, int] = {}
        self._orphans: deque[tuple[int, T]] = deque()
        self._joining: dict[Any, Any] = {}

    @property
    def idle(self) -> int:
        """Items that could be worked on at once."""
        return max(0, len(self._free) - len(self._orphans))

    @property
    def busy(self) -> bool:
        """Whether anything is being worked on."""
        return bool(self._running or self._orphans)

    def submit(self, index: int, item: T) -> None:
        """Give an item to a worker that has a slot."""
        actor = self._free.pop()
        self._running[actor.work.remote(item)] = index, item, actor

    def next(self) -> tuple[int, R]:
        """Wait for the next result; raises what the function raised."""
        while True:
            while self._orphans and self._free:
                self.submit(*self._orphans.popleft())
            ready = self._wait()
            if ready in self._joining:
                self._welcome(ready)
                continue
            index, item, actor = self._running.pop(ready)
            try:
                result, error = self._ray.get(ready)
            except self._ray.exceptions.RayActorError:
                self._deaths[index] = self._deaths.get(index, 0) + 1
                if self._deaths[index] > self._revivals:
                    raise
                self._replace(actor)
                self._orphans.append((index, item))
                continue
            if error is not None:
                raise error
            if actor in self._actors:
                self._free.append(actor)
            return index, result

    def _wait(self) -> Any:
        """What comes next: a result, or a new worker's first word. Raises TaskError when there is no worker, nor will be."""
        timeout = None if self._running else NO_WORKER_SECONDS
        ready, _ = self._ray.wait([*self._running, *self._joining], num_returns=1, timeout=timeout)
        if not ready:
            raise TaskError(
                f"no machine of Ray's cluster had a free CPU for {NO_WORKER_SECONDS / 60:g} minutes; run again when one has"
            )
        return ready[0]

    def _replace(self, dead: Any) -> None:
        """Have a new worker come for one that ended, if it was not done yet.

        Nothing is given to the new one before it says that it is there: what is left of a cluster may have no room for it,
        and then the others do its work.
        """
        if dead not in self._actors:
            return
        self._actors.remove(dead)
        self._free = [actor for actor in self._free if actor != dead]
        fresh = self._actor.remote(self._held)
        self._joining[fresh.ready.remote()] = fresh

    def _welcome(self, word: Any) -> None:
        """A new worker is there, or will never be."""
        actor = self._joining.pop(word)
        try:
            self._ray.get(word)
        except self._ray.exceptions.RayActorError:
            if not self._actors and not self._joining:
                raise
            return
        self._actors.append(actor)
        self._free += [actor] * min(self._at_once, self.size)

    def end(self) -> None:
        """Let the workers close what they opened, then end them."""
        with suppress(self._ray.exceptions.RayError):
            self._ray.wait(
                [actor.close.remote() for actor in self._actors],
                num_returns=len(self._actors),
                timeout=GRACE_SECONDS,
            )
        for actor in [*self._actors, *self._joining.values()]:
            self._ray.kill(actor)
