"""The talk with a shell inside, and what its command prints meanwhile.

A shell says ``S TOKEN`` before a command and ``E TOKEN STATUS`` after it (``X`` when it ends with the command). Anything else is
a shell that something inside has got hold of: the talk is over, and with it the sandbox.
"""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable, Sequence

from r2egym.errors import SandboxClosedError, SandboxError
from r2egym.records import ExecResult
from r2egym.sandboxes._orders import Exchange, Order
from r2egym.sandboxes._output import Spill, Stream
from r2egym.sandboxes._processes import is_stopped
from r2egym.sandboxes.base import TIMEOUT_EXIT_CODE

_LONGEST_LINE = 2000
_ANSWER_SECONDS = 60.0
"""How long a shell may take to take a command; a machine may be busy."""
_OBEY_SECONDS = 20.0
"""How long it may take to notice that its command was killed."""
_LOOK_SECONDS = 3.0
"""Time between looks at a shell that says nothing."""
_AGAIN_SECONDS = 0.01
"""Time between attempts to end a command whose time is up."""


class Channel:
    """The host's end of the talk with one shell: lines there, lines back.

    Args:
        reader: descriptor of what the shell says.
        writer: descriptor of what it is told.
        process: descriptor of the shell's process, when the end of ``reader`` does not tell that it ended.
        pid: its process id, to see whether something has stopped it.
    """

    def __init__(self, reader: int, writer: int, process: int | None = None, pid: int = 0) -> None:
        self.reader = reader
        self.pid = pid
        self.process = process
        self._writer = writer
        self._buffer = b""

    def tell(self, line: bytes) -> None:
        """Hand over one line."""
        try:
            if os.write(self._writer, line) != len(line):
                raise SandboxError("the sandbox's shell does not read its requests")
        except BlockingIOError as error:
            raise SandboxError("the sandbox's shell does not read its requests") from error
        except OSError as error:
            raise SandboxClosedError("the sandbox died") from error

    def hear(self) -> list[str]:
        """Whole lines that have come; raises SandboxClosedError at the end of the talk."""
        try:
            data = os.read(self.reader, 4096)
        except BlockingIOError:
            return []
        except OSError:
            data = b""
        if not data:
            raise SandboxClosedError("the sandbox died")
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        if len(self._buffer) > _LONGEST_LINE:
            raise SandboxError("the sandbox's control channel was flooded")
        return [line.decode(errors="replace") for line in lines]

    def wait(self, seconds: float) -> str:
        """Wait for one line."""
        poll = select.poll()
        poll.register(self.reader, select.POLLIN)
        if self.process is not None:
            poll.register(self.process, select.POLLIN)
        deadline = time.monotonic() + seconds
        while True:
            ready = [descriptor for descriptor, _ in poll.poll(max(0.0, deadline - time.monotonic()) * 1000)]
            if not ready:
                raise SandboxError(f"the sandbox's shell said nothing for {seconds:g} s")
            lines = self.hear()
            if not lines and self.process in ready:
                raise SandboxClosedError("the sandbox died")
            if len(lines) > 1:
                raise SandboxError("the sandbox's shell spoke out of turn")
            if lines:
                return lines[0]

    def close(self) -> None:
        """Close the descriptors."""
        for descriptor in {self.reader, self._writer, self.process} - {None}:
            os.close(descriptor)  # type: ignore[arg-type]


class Conversation:
    """One command, from request to its end.

    Args:
        channel: the shell.
        streams: its output.
        token: what the shell calls it.
        interrupt: called when its time is up, again and again until it has ended, with the count of calls before.
    """

    def __init__(
        self, channel: Channel, streams: Sequence[Stream], token: str, interrupt: Callable[[int], None]
    ) -> None:
        self._channel = channel
        self._streams = {stream.descriptor: stream for stream in streams}
        self._token = token
        self._interrupt = interrupt
        self._started = False
        self.status: int | None = None
        self.timed_out = False
        self.ended = False
        """Whether the shell itself ended with the command."""
        self._poll = select.poll()
        for descriptor in (channel.reader, channel.process, *self._streams):
            if descriptor is not None:
                self._poll.register(descriptor, select.POLLIN)

    def follow(self, timeout: float | None) -> None:
        """Take output until the command has ended. Its time is up when it is, or once it has started, if that is later."""
        deadline = None if timeout is None else time.monotonic() + timeout
        answer_by: float | None = time.monotonic() + _ANSWER_SECONDS
        interruptions = 0
        while self.status is None and not self.ended:
            now = time.monotonic()
            if answer_by is not None and now >= answer_by:
                raise SandboxError("the sandbox's shell does not answer")
            if deadline is not None and now >= deadline and self._started:
                if not self.timed_out:
                    self.timed_out, answer_by = True, now + _OBEY_SECONDS
                self._interrupt(interruptions)
                interruptions += 1
                deadline = time.monotonic() + _AGAIN_SECONDS
            # before it has started there is nothing to interrupt: it would begin all the same, with its first strikes spent
            waits_for = (deadline if self._started else None, answer_by)
            self._take(min((moment for moment in waits_for if moment is not None), default=None))
            if self._started and not self.timed_out:
                answer_by = None
        for stream in self._streams.values():
            stream.drain()

    def _take(self, until: float | None) -> None:
        now = time.monotonic()
        ready = self._poll.poll(
            max(0.0, min(until or now + _LOOK_SECONDS, now + _LOOK_SECONDS) - now) * 1000 + 0.5
        )
        if not ready and not self.timed_out and self._channel.pid and is_stopped(self._channel.pid):
            raise SandboxError("something inside holds the sandbox's shell")
        for descriptor, _ in ready:
            if descriptor == self._channel.reader:
                self._listen()
            elif descriptor == self._channel.process:
                self._listen()
                self.ended = True
            elif not self._streams[descriptor].read():
                self._poll.unregister(descriptor)

    def _listen(self) -> None:
        for line in self._channel.hear():
            kind, _, rest = line.partition(" ")
            token, _, status = rest.partition(" ")
            if kind == "S" and token == self._token and not self._started:
                self._started = True
            elif kind in {"E", "X"} and token == self._token and self.status is None and status.isdecimal():
                self.status = int(status) & 255
                self.ended = kind == "X"
            else:
                raise SandboxError("the sandbox's shell spoke out of turn")


def converse(
    channel: Channel,
    exchange: Exchange,
    order: Order,
    code: Callable[[], bytes],
    interrupt: Callable[[int], None],
    spill: Spill,
) -> tuple[ExecResult, bool]:
    """Hand an order to a shell and follow it to its end; the result, and whether the shell ended with it."""
    streams: list[Stream] = []
    started = time.monotonic()
    try:
        streams.append(Stream(exchange.pipe("out"), order.output_limit, spill))
        streams.append(Stream(exchange.pipe("err"), order.output_limit, spill))
        channel.tell(code())
        talk = Conversation(channel, streams, exchange.token, interrupt)
        talk.follow(order.timeout)
        if talk.status is None and not talk.timed_out:
            raise SandboxClosedError("the shell ended before its command did")
        (out, out_path), (err, err_path) = (stream.finish() for stream in streams)
    finally:
        for stream in streams:
            os.close(stream.descriptor)
    return ExecResult(
        exit_code=TIMEOUT_EXIT_CODE if talk.timed_out or talk.status is None else talk.status,
        stdout=out,
        stderr=err,
        timed_out=talk.timed_out,
        duration=time.monotonic() - started,
        truncated=any(stream.truncated for stream in streams),
        stdout_path=out_path,
        stderr_path=err_path,
    ), talk.ended
