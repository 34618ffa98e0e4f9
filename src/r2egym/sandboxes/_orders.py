"""A command as shell code, and the files through which it gets its input and gives its output.

Each command has pipes of its own, made by the host, so nothing that outlives its command can be taken for a later one's
output.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from r2egym.errors import UsageError
from r2egym.sandboxes._mounts import IO_FOLDER

_LINE_BYTES = 2000
"""``read`` takes a system call a byte, so a longer request goes through a file."""
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
        owner: the user, on the host, to whom they must belong; None: to this one.
    """

    def __init__(self, folder: Path, owner: int | None = None) -> None:
        self.token = secrets.token_hex(6)
        self._prefix = f"{folder}/{self.token}."
        self._owner = owner
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
        self._hand_over(path)
        return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)

    def _hand_over(self, path: str) -> None:
        if self._owner is not None:
            os.chown(path, self._owner, self._owner)

    def file(self, kind: str, data: bytes) -> str:
        """Make a file, and say where it is inside; it goes away with the command."""
        self._made.append(self._prefix + kind)
        with open(self._prefix + kind, "wb") as file:  # noqa: PTH123
            file.write(data)
        self._hand_over(self._prefix + kind)
        return self.inside(kind)

    def source(self, order: Order) -> str:
        """Where a command reads its input from."""
        if not order.stdin:
            return "/dev/null"
        return self.file("in", order.stdin.encode() if isinstance(order.stdin, str) else order.stdin)

    def body(self, order: Order) -> str:
        """Shell code for a fork of the shell: where, with what environment, and what."""
        code = f"cd -- {quote(order.cwd)} || exit 126; unset OLDPWD;"
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
        return f" {text}"

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
