"""Shares of a history, each looked at by one of several processes; results come in the order of the shares.

Pipes alone join the processes, so whatever ends one of them, the others see it at once and nothing is left: a worker whose
owner is gone reads the end of its pipe and ends.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Generic, TypeVar

from r2egym.errors import TaskError

S = TypeVar("S")
R = TypeVar("R")

_AHEAD = 2
"""Shares that a worker has at a time: one that it looks at, one that waits."""


class Workers(Generic[S, R]):
    """Processes that answer shares in turn. Close them, or exhaust :meth:`map`.

    Args:
        function: what is done with a share; picklable.
        count: how many processes.
    """

    def __init__(self, function: Callable[[S], R], count: int) -> None:
        context = multiprocessing.get_context("spawn")  # a fork would share libgit2's and our threads' locks
        self._pipes: list[Connection] = []
        self._processes = []
        for _ in range(count):
            ours, theirs = context.Pipe()
            process = context.Process(target=_serve, args=(theirs, function), daemon=True)
            process.start()
            theirs.close()
            self._pipes.append(ours)
            self._processes.append(process)

    def map(self, shares: Iterable[S]) -> Iterator[R]:
        """What becomes of each share, in their order; shares are taken a few ahead.

        Raises:
            TaskError: a worker ended, or what it raised, as text.
        """
        waiting: deque[Connection] = deque()
        try:
            for number, share in enumerate(shares):
                pipe = self._pipes[number % len(self._pipes)]
                with suppress(BrokenPipeError):  # the end is seen when its answer is due
                    pipe.send(share)
                waiting.append(pipe)
                if len(waiting) >= _AHEAD * len(self._pipes):
                    yield self._receive(waiting.popleft())
            while waiting:
                yield self._receive(waiting.popleft())
        finally:
            self.close()

    def _receive(self, pipe: Connection) -> R:
        try:
            result, complaint = pipe.recv()
        except (EOFError, ConnectionResetError):
            raise TaskError("a process that looks at commits was ended from outside: run again") from None
        if complaint:
            raise TaskError(complaint)
        answer: R = result
        return answer

    def close(self) -> None:
        """End the processes. Safe to call twice."""
        for pipe in self._pipes:
            pipe.close()
        for process in self._processes:
            process.kill()
            process.join()


def _serve(pipe: Connection, function: Callable[[S], R]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever owns us ends us
    with suppress(EOFError, BrokenPipeError):
        while True:
            share = pipe.recv()
            answer: tuple[R | None, str]
            try:
                answer = function(share), ""
            except TaskError as error:
                answer = None, str(error)
            pipe.send(answer)
