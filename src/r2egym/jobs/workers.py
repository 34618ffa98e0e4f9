"""Running one function over many items at once, with a bound on what is in flight.

:class:`Threads` is enough on one machine: the work waits for sandboxes, git and disks, not for the interpreter.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from queue import SimpleQueue
from typing import Generic, Protocol, TypeVar

T = TypeVar("T")
R = TypeVar("R")

GRACE_SECONDS = 10.0
"""How long an ended map waits for the items that were being worked on."""


class Executor(Protocol):
    """What spreads work. An implementation may use threads, processes, or other machines."""

    def map(self, function: Callable[[T], R], items: Iterable[T], *, ordered: bool = True) -> Iterator[R]:
        """``function`` of every item; items are taken lazily, at most a bounded number ahead.

        Args:
            function: called from any worker; an exception it raises comes out of the iterator and ends the map.
            items: taken by the caller's own thread.
            ordered: whether results come in the order of the items or as they are ready.

        Ending the iteration early (``close``, an exception, Ctrl-C) drops what has not been started.
        """
        ...

    def cancel(self) -> None:
        """Ask the map to end: no further item is started. Safe from any thread."""
        ...

    @property
    def cancelled(self) -> bool:
        """Whether the map was asked to end, or its iteration ended early: a function that takes long looks at it."""
        ...


class Cancellable:
    """Can be asked to end, from any thread."""

    def __init__(self) -> None:
        self._cancelled = threading.Event()

    def cancel(self) -> None:
        """Ask the map to end: no further item is started."""
        self._cancelled.set()

    @property
    def cancelled(self) -> bool:
        """See :attr:`Executor.cancelled`."""
        return self._cancelled.is_set()


class Threads(Cancellable):
    """An :class:`Executor` over threads of this process.

    The threads are daemons: an interpreter that must end does not wait for a command in a sandbox, whose own guards
    end it.

    Args:
        workers: how many items are worked on at once.
        ahead: how many results may wait for their turn; bounds memory.
    """

    def __init__(self, workers: int, *, ahead: int | None = None) -> None:
        self.workers = max(1, workers)
        self._window = self.workers + (self.workers if ahead is None else ahead)
        super().__init__()

    def map(self, function: Callable[[T], R], items: Iterable[T], *, ordered: bool = True) -> Iterator[R]:
        """See :meth:`Executor.map`."""
        crew = _Crew(function, self.workers)
        waiting: dict[int, R] = {}
        source = enumerate(items)
        taken = given = finished = 0
        try:
            while True:
                room = 0 if self._cancelled.is_set() else self._window - (taken - given)
                for index, item in itertools.islice(source, room):
                    crew.submit(index, item)
                    taken += 1
                if given == taken or (self._cancelled.is_set() and finished == taken):
                    return
                index, result = crew.next()
                finished += 1
                waiting[index] = result
                while waiting and (not ordered or given in waiting):
                    yield waiting.pop(given if ordered else next(iter(waiting)))
                    given += 1
        except BaseException:
            self._cancelled.set()
            raise
        finally:
            crew.end()


class _Crew(Generic[T, R]):
    """The threads of one map and the two queues that tie them to its caller."""

    def __init__(self, function: Callable[[T], R], workers: int) -> None:
        self._function = function
        self._workers = workers
        self._threads: list[threading.Thread] = []
        self._work: SimpleQueue[tuple[int, T] | None] = SimpleQueue()
        self._done: SimpleQueue[tuple[int, R] | BaseException] = SimpleQueue()
        self._ended = threading.Event()

    def submit(self, index: int, item: T) -> None:
        if len(self._threads) < self._workers:
            thread = threading.Thread(target=self._labour, name=f"r2egym-{len(self._threads)}", daemon=True)
            self._threads.append(thread)
            thread.start()
        self._work.put((index, item))

    def next(self) -> tuple[int, R]:
        result = self._done.get()
        if isinstance(result, BaseException):
            raise result
        return result

    def end(self) -> None:
        self._ended.set()
        for _ in self._threads:
            self._work.put(None)
        deadline = time.monotonic() + GRACE_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _labour(self) -> None:
        while (task := self._work.get()) is not None and not self._ended.is_set():
            index, item = task
            try:
                self._done.put((index, self._function(item)))
            except BaseException as error:  # noqa: BLE001 - handed to the caller, who raises it
                self._done.put(error)
