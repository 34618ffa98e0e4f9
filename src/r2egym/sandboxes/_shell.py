"""The shell that runs a sandbox's commands, and the talk with it.

The first process inside is ``bash``, which no process inside can kill or stop. It reads one line of shell code at a time
from a socket, says ``S TOKEN`` before a command and ``E TOKEN STATUS`` after it. Output does not pass through the socket:
each command has pipes of its own, made by the host, so nothing that outlives its command can be taken for a later one's
output.
"""

from __future__ import annotations

import os
import re
import secrets
import select
import shlex
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from r2egym.errors import SandboxClosedError, SandboxError, UsageError
from r2egym.records import ExecResult
from r2egym.sandboxes._mounts import IO_FOLDER
from r2egym.sandboxes._output import Stream
from r2egym.sandboxes.base import TIMEOUT_EXIT_CODE

SERVER = """\
exec </dev/null >/dev/null 2>&1
set -m
unset OLDPWD SHLVL _
{setup}
printf 'R\\n' >&{fd}
while IFS= read -r -u {fd} line; do eval "$line"; done
"""
_LINE_BYTES = 2000
"""``read`` takes a system call a byte, so a longer request goes through a file."""
_WORD_BYTES = 100_000
"""The kernel bounds one argument at 128 KiB; a longer script goes through a file."""
_ANSWER_SECONDS = 20.0
"""How long the shell may take for what needs no command: taking one, and noticing that one was killed."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_READ_ONLY = frozenset({"BASHOPTS", "BASH_VERSINFO", "EUID", "PPID", "SHELLOPTS", "UID"})


@dataclass(frozen=True)
class Order:
    """A command to be run."""

    command: str | Sequence[str]
    timeout: float | None
    stdin: str | bytes | None
    env: Mapping[str, str]
    cwd: str
    output_limit: int


class Exchange:
    """The files of one command in the folder that host and sandbox share."""

    def __init__(self, folder: Path, fd: int) -> None:
        self.token = secrets.token_hex(6)
        self._folder = folder
        self._fd = fd
        self._made: list[Path] = []

    def path(self, kind: str) -> Path:
        """A file's place on the host; it goes away with the command."""
        path = self._folder / f"{self.token}.{kind}"
        self._made.append(path)
        return path

    def inside(self, kind: str) -> str:
        """The same file's place inside."""
        return f"{IO_FOLDER}/{self.token}.{kind}"

    def pipe(self, kind: str) -> int:
        """A pipe whose reading end is open here."""
        path = self.path(kind)
        os.mkfifo(path, 0o600)
        return os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)

    def clean(self) -> None:
        """Remove the files."""
        for path in self._made:
            path.unlink(missing_ok=True)

    def line(self, order: Order) -> bytes:
        """The request as one line of shell code."""
        source = "/dev/null"
        if order.stdin:
            data = order.stdin.encode() if isinstance(order.stdin, str) else order.stdin
            self.path("in").write_bytes(data)
            source = self.inside("in")
        code = (
            f"printf 'S {self.token}\\n' >&{self._fd}; "
            f"( exec {self._fd}>&-; {self._enter(order)} exec {self._words(order)} ) "
            f"<{source} >{self.inside('out')} 2>{self.inside('err')}; "
            f"printf 'E {self.token} %d\\n' $? >&{self._fd}\n"
        ).encode("utf-8", "surrogateescape")
        if len(code) <= _LINE_BYTES and code.count(b"\n") == 1:
            return code
        self.path("run").write_bytes(code)
        return f". {self.inside('run')}\n".encode()

    def _enter(self, order: Order) -> str:
        code = f"cd -- {quote(order.cwd)} || exit 126;"
        for name, value in order.env.items():
            if _is_plain(name):
                code += f" export {name}={quote(value)};"
        return code

    def _words(self, order: Order) -> str:
        words = self._argv(order.command)
        odd = [f"{name}={value}" for name, value in order.env.items() if not _is_plain(name)]
        if odd:
            words = ["/usr/bin/env", "--", *odd, *words]
        return "-- " + " ".join(quote(word) for word in words)

    def _argv(self, command: str | Sequence[str]) -> list[str]:
        if not isinstance(command, str):
            words = list(command)
            if not words:
                raise UsageError("an empty command")
            return words
        data = os.fsencode(command)
        if b"\0" in data:
            raise UsageError("a script cannot hold a NUL character")
        if len(data) < _WORD_BYTES:
            return ["/bin/bash", "-c", command]
        self.path("sh").write_bytes(data)
        return ["/bin/bash", "-c", f". {self.inside('sh')}"]


def quote(word: str) -> str:
    """A word for the shell."""
    if "\0" in word:
        raise UsageError("an argument cannot hold a NUL character")
    return shlex.quote(word)


def _is_plain(name: str) -> bool:
    if not name or "=" in name or "\0" in name:
        raise UsageError(f"not a name of an environment variable: {name!r}")
    return bool(_NAME.fullmatch(name)) and name not in _READ_ONLY


class Channel:
    """The host's end of the talk with one shell: lines there, lines back.

    Args:
        reader: descriptor of what the shell says.
        writer: descriptor of what it is told.
    """

    def __init__(self, reader: int, writer: int) -> None:
        self.reader = reader
        self._writer = writer
        self._buffer = b""

    def tell(self, line: bytes) -> None:
        """Hand over one line."""
        view = memoryview(line)
        while view:
            try:
                view = view[os.write(self._writer, view) :]
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

    def wait(self, expected: str, seconds: float) -> None:
        """Wait for one line."""
        poll = select.poll()
        poll.register(self.reader, select.POLLIN)
        if not poll.poll(seconds * 1000):
            raise SandboxError(f"the sandbox's shell said nothing for {seconds:g} s")
        lines = self.hear()
        if lines != [expected]:
            raise SandboxError(f"the sandbox's shell spoke out of turn: {lines[:1]!r}")


class Conversation:
    """One command, from request to result."""

    def __init__(self, channel: Channel, streams: tuple[Stream, Stream], token: str) -> None:
        self._channel = channel
        self._streams = {stream.descriptor: stream for stream in streams}
        self._token = token
        self._started = False
        self._status: int | None = None

    def follow(self, timeout: float | None, on_timeout: Callable[[], None]) -> tuple[int, bool]:
        """Take output until the command has ended; its status, and whether its time limit ended it."""
        poll = select.poll()
        poll.register(self._channel.reader, select.POLLIN)
        for descriptor in self._streams:
            poll.register(descriptor, select.POLLIN)
        deadline = None if timeout is None else time.monotonic() + timeout
        answer_by: float | None = time.monotonic() + _ANSWER_SECONDS
        timed_out = False
        while self._status is None:
            now = time.monotonic()
            if deadline is not None and now >= deadline:
                timed_out, deadline, answer_by = True, None, now + _ANSWER_SECONDS
                on_timeout()
            elif answer_by is not None and now >= answer_by:
                raise SandboxError("the sandbox's shell does not answer")
            until = min((moment for moment in (deadline, answer_by) if moment is not None), default=None)
            for descriptor, _ in poll.poll(None if until is None else max(0.0, until - now) * 1000 + 1):
                if descriptor == self._channel.reader:
                    self._listen()
                elif not self._streams[descriptor].read():
                    poll.unregister(descriptor)
            if self._started and not timed_out:
                answer_by = None
        for stream in self._streams.values():
            stream.drain()
        return (TIMEOUT_EXIT_CODE if timed_out else self._status), timed_out

    def _listen(self) -> None:
        for line in self._channel.hear():
            kind, _, rest = line.partition(" ")
            token, _, status = rest.partition(" ")
            if token != self._token or self._status is not None:
                raise SandboxError("the sandbox's shell spoke out of turn")
            if kind == "S" and not self._started:
                self._started = True
            elif kind == "E" and self._started and status.isdecimal():
                self._status = int(status) & 255
            else:
                raise SandboxError("the sandbox's shell spoke out of turn")


def converse(
    channel: Channel, exchange: Exchange, line: bytes, order: Order, on_timeout: Callable[[], None]
) -> ExecResult:
    """Hand a request to a shell and follow it to its end."""
    streams: list[Stream] = []
    started = time.monotonic()
    try:
        for kind in ("out", "err"):
            spill = exchange.path(kind).with_suffix(f".{kind}.whole")
            streams.append(Stream(exchange.pipe(kind), order.output_limit, spill))
        channel.tell(line)
        talk = Conversation(channel, (streams[0], streams[1]), exchange.token)
        status, timed_out = talk.follow(order.timeout, on_timeout)
        out, out_path = streams[0].finish()
        err, err_path = streams[1].finish()
    finally:
        for stream in streams:
            os.close(stream.descriptor)
        exchange.clean()
    return ExecResult(
        exit_code=status,
        stdout=out,
        stderr=err,
        timed_out=timed_out,
        duration=time.monotonic() - started,
        truncated=streams[0].truncated or streams[1].truncated,
        stdout_path=out_path,
        stderr_path=err_path,
    )


def socket_pair() -> tuple[socket.socket, socket.socket]:
    """Host's and sandbox's end. A socket cannot be opened again through ``/proc``, as a pipe can."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    return ours, theirs
