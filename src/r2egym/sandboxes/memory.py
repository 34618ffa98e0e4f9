"""Sandboxes that are dictionaries: for unit tests of what drives a sandbox. Nothing is isolated because nothing is run.

Files, layers, snapshots, forks and resets are real. Commands are answered by what the test said they would do, and a few
plain programs (``true``, ``echo``, ``cat``, …) by a few lines of Python. There is no shell: a script that is no plain command and
was not foreseen is exit code 127, as a missing program is.
"""

from __future__ import annotations

import contextlib
import os
import posixpath
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from r2egym.errors import SandboxClosedError, SandboxError, SandboxFileError, UsageError
from r2egym.records import ExecResult
from r2egym.sandboxes import _programs
from r2egym.sandboxes._programs import Call
from r2egym.sandboxes.base import Capability, SandboxConfig, Session, Snapshot

__all__ = ["KNOWN_GAPS", "Call", "Handler", "MemoryBackend", "MemorySandbox"]

_NO_SHELL = "it runs no shell"
_NO_KERNEL = "there are no processes, so there is nothing to isolate"
KNOWN_GAPS: Mapping[str, str] = {
    "exit-code-of-a-script": _NO_SHELL,
    "script-is-bash": _NO_SHELL,
    "streams-stay-apart": _NO_SHELL,
    "output-is-spilled": "long output is cut, not spilled",
    "modes": "a written file cannot be run",
    "files-that-would-never-end": "there are no devices",
    "links-stay-inside": "there are no links",
    "export-what-changed": "files have no modes",
    "export-of-hostile-trees": "there are no links",
    "time-limit-on-the-stubborn": _NO_SHELL,
    "time-limit-is-not-for-others": _NO_SHELL,
    "background-processes-hold-nothing-up": _NO_SHELL,
    "background-output-stays-apart": _NO_SHELL,
    "large-output-of-both-streams": _NO_SHELL,
    "close-ends-a-running-command": "no command takes any time",
    "no-privileges": _NO_KERNEL,
    "kernel-settings-are-read-only": _NO_KERNEL,
    "places-to-write": _NO_SHELL,
    "life-time": "time does not pass",
    "run-what-does-not-read": _NO_SHELL,
    "run-ends-all": _NO_SHELL,
    "run-signals": _NO_SHELL,
}
"""Conformance checks that do not hold here, and why."""

Handler = Callable[["MemorySandbox", Call], ExecResult]
"""Answers a command."""


@dataclass
class _Saved:
    """A snapshot: the files as they were."""

    files: dict[str, bytes | None]
    id: str = field(default_factory=lambda: secrets.token_hex(6))
    alive: bool = True

    def discard(self) -> None:
        """Free what it holds; twice is safe."""
        self.alive = False


# The contract has seventeen methods and each is a few lines here: one file shows them together.
class MemorySandbox:
    """A dictionary of files; made by :meth:`MemoryBackend.open`.

    ``calls`` lists every command that was run in it, for a test to look at.
    """

    capabilities = frozenset({Capability.SNAPSHOT, Capability.EXPORT})
    limits_in_force: Mapping[str, str] = {}

    def __init__(
        self,
        config: SandboxConfig,
        handlers: Mapping[str, Handler],
        files: Mapping[str, bytes | None] | None = None,
    ) -> None:
        self.id = secrets.token_hex(6)
        self.config = config
        self.calls: list[Call] = []
        self._handlers = handlers
        self._closed = False
        self._lower = _read_layers(config)
        self._origin = dict(files or {})
        self._written: dict[str, bytes | None] = dict(self._origin)

    # --- commands -----------------------------------------------------------------------------------------------

    def exec(
        self,
        command: str | Sequence[str],
        *,
        timeout: float | None = None,
        stdin: str | bytes | None = None,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
        output_limit: int = 1 << 20,
    ) -> ExecResult:
        """Answer a command as the backend's handlers say."""
        self._must_live()
        data = stdin.encode() if isinstance(stdin, str) else stdin or b""
        call = Call.make(command, data, self.config, env or {}, self.absolute(cwd or ""), timeout)
        self.calls.append(call)
        for key in (call.line, call.words[0] if call.words else ""):
            if key in self._handlers:
                return self._handlers[key](self, call)
        return _programs.run(self, call, output_limit)

    # --- files --------------------------------------------------------------------------------------------------

    def absolute(self, path: str) -> str:
        """A path with neither ``.`` nor ``..`` in it."""
        return "/" + posixpath.normpath(posixpath.join("/", self.config.cwd, path)).lstrip("/")

    def find(self, path: str) -> bytes | None:
        """A file's content; None when there is no such file."""
        place = self.absolute(path)
        return self._written[place] if place in self._written else self._lower.get(place)

    def names(self) -> list[str]:
        """Every file's path."""
        gone = {path for path, data in self._written.items() if data is None}
        return sorted((self._lower.keys() | self._written.keys()) - gone)

    def is_folder(self, path: str) -> bool:
        """Whether files lie below a path, or a layer is mounted there."""
        place = self.absolute(path)
        known = {"/", "/tmp", "/root", self.absolute(""), *(layer.target for layer in self.config.layers)}  # noqa: S108
        return place in known or any(name.startswith(f"{place}/") for name in self.names())

    def read_file(self, path: str, *, limit: int = 1 << 26) -> bytes:
        """Contents of a file. Raises SandboxFileError."""
        self._must_live()
        data = self.find(path)
        if data is None:
            raise SandboxFileError(f"cannot read {path} in the sandbox: No such file")
        if len(data) > limit:
            raise SandboxFileError(f"cannot read {path} in the sandbox: larger than {limit} bytes")
        return data

    def write_file(self, path: str, data: bytes | str, *, mode: int = 0o644) -> None:  # noqa: ARG002 - nothing is run
        """Write a file. Raises SandboxFileError."""
        self._must_live()
        place = self.absolute(path)
        above = {posixpath.dirname(place)}
        while (parent := posixpath.dirname(min(above, key=len))) not in above:
            above.add(parent)
        layers = [layer for layer in self.config.layers if place.startswith(f"{layer.target}/")]
        if (layers and not layers[-1].writable) or self.is_folder(place) or any(map(self.find, above)):
            raise SandboxFileError(f"cannot write {path} in the sandbox")
        self._written[place] = data.encode() if isinstance(data, str) else data

    def remove(self, path: str) -> bool:
        """Remove a file or a folder; whether there was one."""
        place = self.absolute(path)
        found = [name for name in self.names() if name == place or name.startswith(f"{place}/")]
        self._written.update(dict.fromkeys(found))
        return bool(found)

    def upload(self, source: Path, target: str) -> None:
        """Copy a file or a folder of this machine to ``target`` inside."""
        if not source.is_dir():
            self.write_file(target, source.read_bytes())
            return
        for name, data in _read_folder(source).items():
            self.write_file(posixpath.join(target, name), data)

    def export(self, target: str, destination: Path) -> None:
        """Copy what was written below ``target`` to ``destination``."""
        self._must_live()
        destination.mkdir(parents=True, exist_ok=True)
        for name, data in self._written.items():
            if data is not None and name.startswith(f"{target}/"):
                path = destination / name.removeprefix(f"{target}/")
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)

    # --- state --------------------------------------------------------------------------------------------------

    def snapshot(self) -> _Saved:
        """Save the files."""
        self._must_live()
        return _Saved(dict(self._written))

    def fork(self, snapshot: Snapshot | None = None) -> MemorySandbox:
        """A new sandbox from a snapshot, default: from the state as it is now."""
        self._must_live()
        files = self._written if snapshot is None else _ours(snapshot).files
        return MemorySandbox(self.config, self._handlers, files)

    def reset(self, snapshot: Snapshot | None = None) -> None:
        """Back to a snapshot, default: to the state after opening."""
        self._must_live()
        self._written = dict(self._origin if snapshot is None else _ours(snapshot).files)

    def session(self) -> Session:
        """There is no shell to keep."""
        raise SandboxError("the memory backend has no sessions")

    @property
    def sessions(self) -> Sequence[Session]:
        """None, ever."""
        return ()

    def is_alive(self) -> bool:
        """Whether it was not closed."""
        return not self._closed

    def close(self) -> None:
        """Refuse everything from now on; twice is safe."""
        self._closed = True

    def _must_live(self) -> None:
        if self._closed:
            raise SandboxClosedError(f"sandbox {self.id} is closed")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class MemoryBackend:
    """Makes dictionaries that answer commands.

    Args:
        answers: by command line (words joined by single spaces, or a script as it is) or by program name, what the
            command does: a result, or a function that makes one.
    """

    name = "memory"

    def __init__(self, answers: Mapping[str, ExecResult | Handler] | None = None) -> None:
        self._handlers = {name: _handler(answer) for name, answer in (answers or {}).items()}
        self.opened: list[MemorySandbox] = []

    def open(self, config: SandboxConfig) -> MemorySandbox:
        """Make a sandbox; it is added to ``opened``."""
        sandbox = MemorySandbox(config, self._handlers)
        self.opened.append(sandbox)
        return sandbox

    def run(
        self,
        config: SandboxConfig,
        command: Sequence[str],
        *,
        timeout: float | None = None,
        stdin: bytes | None = None,
        output_limit: int = 1 << 26,
    ) -> ExecResult:
        """Answer one command in a sandbox of its own."""
        with self.open(config) as sandbox:
            return sandbox.exec(list(command), timeout=timeout, stdin=stdin, output_limit=output_limit)


def _handler(answer: ExecResult | Handler) -> Handler:
    if isinstance(answer, ExecResult):
        return lambda _sandbox, _call: answer
    return answer


def _ours(snapshot: Snapshot) -> _Saved:
    if not isinstance(snapshot, _Saved):
        raise UsageError("a snapshot of another backend")
    if not snapshot.alive:
        raise UsageError(f"snapshot {snapshot.id} was discarded")
    return snapshot


def _read_layers(config: SandboxConfig) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    for layer in config.layers:
        for source in reversed(layer.sources):
            files |= {f"{layer.target}/{name}": data for name, data in _read_folder(source).items()}
    return files


def _read_folder(folder: Path) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    for place, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                files[Path(place, name).relative_to(folder).as_posix()] = Path(place, name).read_bytes()
    return files
