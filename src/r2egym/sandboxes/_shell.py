"""The talk with a shell inside: requests, answers, and the output of one command.

A shell reads lines of shell code. It says ``S TOKEN`` before a command and ``E TOKEN STATUS`` after it, with a token of that
command alone. Output does not pass through that talk: each command has pipes of its own, made by the host, so nothing
that outlives its command can be taken for a later one's output.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import select
import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from r2egym.errors import SandboxClosedError, SandboxError, UsageError
from r2egym.records import ExecResult
from r2egym.sandboxes._mounts import IO_FOLDER
from r2egym.sandboxes._output import Spill, Stream
from r2egym.sandboxes.base import TIMEOUT_EXIT_CODE

_LINE_BYTES = 2000
"""``read`` takes a system call a byte, so a longer request goes through a file."""
_ANSWER_SECONDS = 20.0
"""How long a shell may take for what needs no command: taking one, and noticing that one was killed."""
_AGAIN_SECONDS = 0.01
"""Time between attempts to end a command whose time is up."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_READ_ONLY = frozenset({"BASHOPTS", "BASH_VERSINFO", "EUID", "PPID", "SHELLOPTS", "UID"})
_NEEDS_OWN_SHELL = re.compile(r"\$\$|\$\{\$|\$0|\$\{0|PPID|BASH_ARGV0|BASH_EXECUTION_STRING")
"""A fork of the shell would answer these with its parent's facts."""


@dataclass(frozen=True)
class Order:
    """A command to be run."""

    command: str | Sequence[str]
    timeout: float | None = None
    stdin: str | bytes | None = None
    env: Mapping[str, str] | None = None
    cwd: str = "/"
    output_limit: int = 1 << 20


class Exchange:
    """The files of one command in the folder that host and sandbox share.

    Args:
        folder: that folder, on the host.
    """

    def __init__(self, folder: Path) -> None:
        self.token = secrets.token_hex(6)
        self._prefix = f"{folder}/{self.token}."
        self._made: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for path in self._made:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)  # noqa: PTH108 - four times a command: no Path

    def inside(self, kind: str) -> str:
        """A file's place as the sandbox sees it."""
        return f"{IO_FOLDER}/{self.token}.{kind}"

    def pipe(self, kind: str, flags: int = os.O_RDONLY) -> int:
        """Make a pipe, open here and not blocking; it goes away with the command."""
        path = self._prefix + kind
        os.mkfifo(path, 0o600)
        self._made.append(path)
        return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)

    def file(self, kind: str, data: bytes) -> str:
        """Make a file, and say where it is inside; it goes away with the command."""
        self._made.append(self._prefix + kind)
        with open(self._prefix + kind, "wb") as file:  # noqa: PTH123
            file.write(data)
        return self.inside(kind)

    def redirections(self, order: Order) -> str:
        """Shell code that gives a command its three streams."""
        source = "/dev/null"
        if order.stdin:
            source = self.file("in", order.stdin.encode() if isinstance(order.stdin, str) else order.stdin)
        return f"<{source} >{self.inside('out')} 2>{self.inside('err')}"

    def body(self, order: Order) -> str:
        """Shell code for a fork of the shell: where, with what environment, and what."""
        code = f"set +m; cd -- {quote(order.cwd)} || exit 126; unset OLDPWD line;"
        environment = order.env or {}
        for name, value in environment.items():
            if is_plain(name):
                code += f" export {name}={quote(value)};"
        odd = [f"{name}={value}" for name, value in environment.items() if not is_plain(name)]
        if isinstance(order.command, str):
            return code + self._script(os.fsencode(order.command), odd, own="BASH_ENV" in environment)
        words = list(order.command)
        if not words:
            raise UsageError("an empty command")
        return code + _exec(words, odd)

    def _script(self, script: bytes, odd: list[str], *, own: bool) -> str:
        if b"\0" in script:
            raise UsageError("a script cannot hold a NUL character")
        text = os.fsdecode(script)
        if len(script) > _LINE_BYTES // 2:
            text = f". {self.file('sh', script)}"
        if odd or own or _NEEDS_OWN_SHELL.search(os.fsdecode(script)):
            return _exec(["/bin/bash", "-c", text], odd)
        return f" eval {quote(text)}"

    def line(self, code: str) -> bytes:
        """Shell code as one line, through a file when it is long."""
        data = os.fsencode(code)
        if len(data) > _LINE_BYTES or b"\n" in data:
            data = f". {self.file('run', data)}".encode()
        return data + b"\n"


def _exec(words: list[str], odd: list[str]) -> str:
    """Code that becomes a program; names that no shell variable can have go through ``env``."""
    full = ["/usr/bin/env", "--", *odd, *words] if odd else words
    return " exec -- " + " ".join(map(quote, full))


def quote(word: str) -> str:
    """A word for the shell."""
    if "\0" in word:
        raise UsageError("an argument cannot hold a NUL character")
    return shlex.quote(word)


def is_plain(name: str) -> bool:
    """Whether a shell variable can have that name; raises UsageError when no variable at all can."""
    if not name or "=" in name or "\0" in name:
        raise UsageError(f"not a name of an environment variable: {name!r}")
    return bool(_NAME.fullmatch(name)) and name not in _READ_ONLY


class Channel:
    """The host's end of the talk with one shell: lines there, lines back.

    Args:
        reader: descriptor of what the shell says.
        writer: descriptor of what it is told.
        process: descriptor of the shell's process, when the end of ``reader`` does not tell that it ended.
    """

    def __init__(self, reader: int, writer: int, process: int | None = None) -> None:
        self.reader = reader
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
        if len(self._buffer) > _LINE_BYTES:
            raise SandboxError("the sandbox's control channel was flooded")
        return [line.decode(errors="replace") for line in lines]

    def wait(self, seconds: float) -> str:
        """Wait for one line."""
        poll = select.poll()
        poll.register(self.reader, select.POLLIN)
        deadline = time.monotonic() + seconds
        while True:
            if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
                raise SandboxError(f"the sandbox's shell said nothing for {seconds:g} s")
            lines = self.hear()
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
        """Take output until the command has ended."""
        deadline = None if timeout is None else time.monotonic() + timeout
        answer_by: float | None = time.monotonic() + _ANSWER_SECONDS
        interruptions = 0
        while self.status is None and not self.ended:
            now = time.monotonic()
            if answer_by is not None and now >= answer_by:
                raise SandboxError("the sandbox's shell does not answer")
            if deadline is not None and now >= deadline:
                if not self.timed_out:
                    self.timed_out, answer_by = True, now + _ANSWER_SECONDS
                self._interrupt(interruptions)
                interruptions += 1
                deadline = time.monotonic() + _AGAIN_SECONDS
            self._take(min((moment for moment in (deadline, answer_by) if moment is not None), default=None))
            if self._started and not self.timed_out:
                answer_by = None
        for stream in self._streams.values():
            stream.drain()

    def _take(self, until: float | None) -> None:
        wait = None if until is None else max(0.0, until - time.monotonic()) * 1000 + 0.5
        for descriptor, _ in self._poll.poll(wait):
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
