"""The few programs that the memory backend has."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from r2egym.errors import UsageError
from r2egym.records import ExecResult
from r2egym.sandboxes.base import TIMEOUT_EXIT_CODE, SandboxConfig

_NOT_FOUND = 127
_SHELL_WORDS = frozenset("|&;<>()$`\\\"'*?[]#~=%{}!\n")


@dataclass(frozen=True)
class Call:
    """A command as a handler sees it."""

    line: str
    """The script, or the words joined by single spaces."""
    words: tuple[str, ...]
    """Empty when it is a script that only a shell could run."""
    stdin: bytes
    env: Mapping[str, str]
    """The whole environment."""
    cwd: str
    timeout: float | None

    @classmethod
    def make(
        cls,
        command: str | Sequence[str],
        stdin: bytes,
        config: SandboxConfig,
        env: Mapping[str, str],
        cwd: str,
        timeout: float | None,
    ) -> Call:
        """A call from what ``exec`` was given. Raises UsageError for what no backend can run."""
        if not command or any("\0" in word for word in command):
            raise UsageError("a command needs at least one word, and no word can hold a NUL character")
        if any(not name or "=" in name for name in env):
            raise UsageError(f"not names of environment variables: {list(env)}")
        full = (
            {"PATH": "/usr/bin:/bin", "HOME": "/root", "LANG": "C.UTF-8", "TERM": "dumb"}
            | config.env
            | dict(env)
        )
        if isinstance(command, str):
            plain = not _SHELL_WORDS & set(command)
            return cls(command, tuple(shlex.split(command)) if plain else (), stdin, full, cwd, timeout)
        return cls(" ".join(command), tuple(command), stdin, full, cwd, timeout)


class Files(Protocol):
    """What programs need of a sandbox."""

    def find(self, path: str) -> bytes | None:
        """A file's content."""

    def is_folder(self, path: str) -> bool:
        """Whether files lie below a path."""

    def remove(self, path: str) -> bool:
        """Remove a file or a folder; whether there was one."""


_Outcome = tuple[int, bytes]


def run(files: Files, call: Call, output_limit: int) -> ExecResult:
    """Do what the program of that name does, or fail as when there is none."""
    if not files.is_folder(call.cwd):
        return ExecResult(exit_code=126, stdout="", stderr=f"{call.cwd}: no such folder\n")
    program = _PROGRAMS.get(call.words[0] if call.words else "")
    if program is None:
        return ExecResult(exit_code=_NOT_FOUND, stdout="", stderr=f"{call.line.split()[0]}: not found\n")
    if call.words[0] == "sleep" and call.timeout is not None and float(call.words[1]) > call.timeout:
        return ExecResult(
            exit_code=TIMEOUT_EXIT_CODE, stdout="", stderr="", timed_out=True, duration=call.timeout
        )
    status, output = program(files, call)
    half = max(output_limit, 2) // 2
    cut = len(output) > output_limit
    kept = output[:half] + b"\n[...]\n" + output[-half:] if cut else output
    return ExecResult(exit_code=status, stdout=kept.decode(errors="replace"), stderr="", truncated=cut)


def _cat(files: Files, call: Call) -> _Outcome:
    status, output = 0, b""
    for word in call.words[1:] or ("-",):
        data = call.stdin if word == "-" else files.find(f"{call.cwd}/{word}" if word[0] != "/" else word)
        status, output = (1, output) if data is None else (status, output + data)
    return status, output


def _echo(_files: Files, call: Call) -> _Outcome:
    return 0, f"{' '.join(call.words[1:])}\n".encode()


def _printenv(_files: Files, call: Call) -> _Outcome:
    if not call.words[1:]:
        return 0, "".join(f"{name}={value}\n" for name, value in call.env.items()).encode()
    found = [call.env[name] for name in call.words[1:] if name in call.env]
    return int(len(found) < len(call.words) - 1), "".join(f"{value}\n" for value in found).encode()


def _printf(_files: Files, call: Call) -> _Outcome:
    form, *rest = call.words[1:]
    return 0, "".join(form.replace("%s", word) for word in rest).encode()


def _rm(files: Files, call: Call) -> _Outcome:
    names = [word for word in call.words[1:] if not word.startswith("-")]
    found = [files.remove(name if name[0] == "/" else f"{call.cwd}/{name}") for name in names]
    return int(not all(found)), b""


_PROGRAMS: dict[str, Callable[[Files, Call], _Outcome]] = {
    "cat": _cat,
    "echo": _echo,
    "false": lambda _files, _call: (1, b""),
    "mkdir": lambda _files, _call: (0, b""),
    "printenv": _printenv,
    "printf": _printf,
    "pwd": lambda _files, call: (0, f"{call.cwd}\n".encode()),
    "rm": _rm,
    "sleep": lambda _files, _call: (0, b""),
    "true": lambda _files, _call: (0, b""),
}
