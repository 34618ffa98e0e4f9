"""The input and output of one command that has its sandbox for itself, until the last process of it has ended."""

from __future__ import annotations

import contextlib
import math
import os
import select
import time
from collections.abc import Callable, Iterator

from r2egym.records import ExecResult
from r2egym.sandboxes._output import Stream
from r2egym.sandboxes.base import TIMEOUT_EXIT_CODE

_CHUNK = 1 << 16
_GRACE_SECONDS = 2.0
"""How long the last process may outlive its command."""


class Feed:
    """Gives a command its input and takes its output.

    Args:
        feed: descriptor of its input, which is closed when all of it is written.
        outputs: descriptors of its standard output and standard error.
        last: process that ends last, after which there is no more output.
        command: process that is the command itself, when ``last`` may be held up by others; 0: none is.
        kill: ends them all.
        stdin: its input.
        output_limit: bytes kept of each output.
    """

    def __init__(
        self,
        feed: int,
        outputs: tuple[int, int],
        *,
        last: int,
        command: int,
        kill: Callable[[], None],
        stdin: bytes,
        output_limit: int,
    ) -> None:
        self._feed = feed
        self._last = last
        self._command = command
        self._kill = kill
        self._rest = memoryview(stdin)
        self._streams = [Stream(descriptor, output_limit, None) for descriptor in outputs]
        self._poll = select.poll()
        for descriptor in outputs:
            self._poll.register(descriptor, select.POLLIN)
        self._poll.register(feed, select.POLLOUT)

    def follow(self, timeout: float | None) -> bool:
        """Until the last process has ended; whether the time limit ended it."""
        deadline = math.inf if timeout is None else time.monotonic() + timeout
        give_up = math.inf
        timed_out = False
        with (
            _watched(self._last, self._poll) as last,
            _watched(self._command, self._poll) as command,
        ):
            ready: list[int] = []
            while last not in ready:
                now = time.monotonic()
                if now >= min(deadline, give_up):
                    timed_out = now >= deadline
                    deadline = give_up = math.inf
                    self._kill()
                ready = self._wait(min(deadline, give_up))
                if command in ready:  # the last one ends after the command, unless something inside holds it
                    self._poll.unregister(command)
                    give_up = time.monotonic() + _GRACE_SECONDS
        for stream in self._streams:
            stream.drain()
        return timed_out

    def _wait(self, until: float) -> list[int]:
        wait = None if until == math.inf else max(0.0, until - time.monotonic()) * 1000 + 0.5
        ready = [descriptor for descriptor, _ in self._poll.poll(wait)]
        for descriptor in ready:
            self._move(descriptor)
        return ready

    def _move(self, descriptor: int) -> None:
        if descriptor == self._feed:
            self._give()
        for stream in self._streams:
            if stream.descriptor == descriptor and not stream.read():
                self._poll.unregister(descriptor)

    def _give(self) -> None:
        try:
            if self._rest:
                self._rest = self._rest[os.write(self._feed, self._rest[:_CHUNK]) :]
        except BlockingIOError:
            return
        except BrokenPipeError:
            self._rest = self._rest[:0]
        if not self._rest:
            self._poll.unregister(self._feed)
            os.close(self._feed)
            self._feed = -1

    def close(self) -> None:
        """Close what is left of the input; twice is safe."""
        if self._feed >= 0:
            os.close(self._feed)
            self._feed = -1

    def result(self, status: int, timed_out: bool, duration: float, hit: tuple[str, ...]) -> ExecResult:  # noqa: FBT001
        """What became of it."""
        (out, _), (err, _) = (stream.finish() for stream in self._streams)
        return ExecResult(
            exit_code=TIMEOUT_EXIT_CODE if timed_out else status if status >= 0 else 128 - status,
            stdout=out,
            stderr=err,
            timed_out=timed_out,
            duration=duration,
            truncated=any(stream.truncated for stream in self._streams),
            limits_hit=hit,
        )


@contextlib.contextmanager
def _watched(pid: int, poll: select.poll) -> Iterator[int]:
    """A descriptor that ``poll`` says is ready when a process has ended; -1 when it is gone already."""
    try:
        handle = os.pidfd_open(pid)
    except OSError:
        yield -1
        return
    poll.register(handle, select.POLLIN)
    try:
        yield handle
    finally:
        os.close(handle)
