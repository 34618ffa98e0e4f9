"""A running sandbox that talks with a first process: what the contract asks for, from the parts beside this file.

What differs from backend to backend, a :class:`Ground` brings.
"""

from __future__ import annotations

import contextlib
import os
import posixpath
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Generic, Protocol, Self, TypeVar

from r2egym.errors import SandboxClosedError, SandboxError, SandboxFileError, UsageError
from r2egym.records import ExecResult
from r2egym.sandboxes._files import Root, file_error
from r2egym.sandboxes._first import First
from r2egym.sandboxes._orders import Order
from r2egym.sandboxes._registry import forget, keep
from r2egym.sandboxes._server import Server
from r2egym.sandboxes._state import S, SavedState, ours
from r2egym.sandboxes._trees import TreeCopy
from r2egym.sandboxes._workspace import Workspace, new_workspace
from r2egym.sandboxes.base import Capability, SandboxConfig, Snapshot
from r2egym.sandboxes.session import ShellSession

_T = TypeVar("_T")


class Ground(Protocol[S]):
    """What one sandbox of a backend stands on: how its first process comes about, and what becomes of its files."""

    kind: type[S]
    """Of its saved states."""
    capabilities: frozenset[Capability]
    """Known once it has begun."""

    @property
    def written(self) -> tuple[Path, ...]:
        """The folders of the host that hold what was written, where they can be seen."""
        ...

    @property
    def uppers(self) -> Mapping[str, tuple[Path, str]]:
        """By writable target (``/``: elsewhere), one of those folders, and the place in it that holds what was written there."""
        ...

    def begin(self, state: S, workspace: Workspace) -> First:
        """Start a first process on a state. Raises SandboxStartError or SandboxUnavailableError."""
        ...

    def clear(self) -> None:
        """The first process has ended: drop what it has written, for another to begin."""
        ...

    def end(self) -> None:
        """The first process has ended for good: free what does not lie in the workspace. Twice is safe."""
        ...

    def save(self, state: S, /) -> S:
        """The state it began with, and what was written since; processes are stopped meanwhile."""
        ...


class ServedSandbox(Generic[S]):
    """A sandbox that one first process keeps.

    Args:
        config: what it is made from.
        home: ``$R2EGYM_HOME``.
        ground: makes what it stands on; for a fork, once more.
        state: what it starts from.
        sessions: by number, the sessions to restore.
    """

    def __init__(
        self,
        config: SandboxConfig,
        home: Path,
        ground: Callable[[], Ground[S]],
        state: S,
        sessions: Mapping[int, str] | None = None,
    ) -> None:
        self._config = config
        self._home = home
        self._make_ground = ground
        self._ground = ground()
        self._lock = threading.RLock()
        self._closed = False
        self._owner = os.getpid()
        wall = config.limits.wall_seconds
        self._deadline = None if wall is None else time.monotonic() + wall
        state.hold()
        self._origin = (state, dict(sessions or {}))
        state.hold()
        self._state = state
        self._sessions: dict[int, ShellSession] = {}
        self._workspace = new_workspace(home)
        self.id = self._workspace.id
        try:
            self._start(self._origin[1])
        except BaseException:
            self._ground.end()
            self._workspace.remove()
            self._release()
            raise
        self.limits_in_force: Mapping[str, str] = self._server.limits_in_force
        self.capabilities = self._ground.capabilities
        keep(self, self.close)

    def _start(self, sessions: Mapping[int, str]) -> None:
        first = self._ground.begin(self._state, self._workspace)
        self._server = Server(first, self._config, self._workspace, self._ground.written, self._deadline)
        try:
            for number, session in list(self._sessions.items()):
                if number not in sessions:
                    session.close()
            for number, state in sessions.items():
                self._resume(number, state)
        except BaseException:
            self._server.stop()
            raise

    def _resume(self, number: int, state: str | None) -> ShellSession:
        if number in self._sessions:
            self._sessions[number].connect(self._server, state)
        else:
            order = Order(
                ["/bin/bash", "--norc", "--noprofile", "--noediting", "-i"],
                env=self._config.env,
                cwd=posixpath.join("/", self._config.cwd),
            )
            self._sessions[number] = ShellSession(self._server, order, state)
        return self._sessions[number]

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
        """Run a command to its end; see :meth:`r2egym.sandboxes.base.Sandbox.exec`.

        A script runs in a fork of the sandbox's shell; one that asks for its own process id gets a shell of its own.
        """
        order = Order(
            command,
            timeout,
            stdin,
            self._config.env | dict(env or {}),
            self._absolute(cwd or ""),
            output_limit,
        )
        server = self._live()
        try:
            return server.exec(order)
        except SandboxError:
            self.close()
            raise

    def _live(self) -> Server:
        if self._closed:
            raise SandboxClosedError(f"sandbox {self.id} is closed")
        return self._server

    def _absolute(self, path: str) -> str:
        return posixpath.join("/", self._config.cwd, path)

    def read_file(self, path: str, *, limit: int = 1 << 26) -> bytes:
        """Contents of a file, as a process inside would read it. Raises SandboxFileError."""
        return self._with_root("read", path, lambda root: root.read(self._absolute(path), limit))

    def write_file(self, path: str, data: bytes | str, *, mode: int = 0o644) -> None:
        """Write a file, making its folders. Raises SandboxFileError."""
        content = data.encode() if isinstance(data, str) else data
        self._with_root("write", path, lambda root: root.write(self._absolute(path), content, mode))

    def upload(self, source: Path, target: str) -> None:
        """Copy a file or a folder of this machine to ``target`` inside; links are copied as links."""
        self._with_root("upload to", target, lambda root: root.upload(source, self._absolute(target)))

    def _with_root(self, verb: str, path: str, action: Callable[[Root], _T]) -> _T:
        try:
            with self._live().root() as root:
                return action(root)
        except OSError as error:
            raise file_error(error, verb, path) from error

    def export(self, target: str, destination: Path) -> None:
        """Copy what was written under the writable layer at ``target`` (``/``: elsewhere) to ``destination``."""
        self._live()
        uppers = self._ground.uppers
        if target not in uppers:
            raise UsageError(f"{target} is no writable layer of this sandbox; there are: {', '.join(uppers)}")
        with self._still():
            try:
                folder, below = uppers[target]
                TreeCopy(overlay=False).run(folder, destination, below)
            except OSError as error:
                raise SandboxFileError(f"cannot copy {target} to {destination}: {error.strerror}") from error

    @contextlib.contextmanager
    def _still(self) -> Iterator[Server]:
        """Everything inside is stopped meanwhile."""
        server = self._live()
        with server.lock:
            stopped = server.freeze()
            try:
                yield server
            finally:
                server.thaw(stopped)

    def snapshot(self) -> SavedState[S]:
        """Save files, and the sessions' working directories, variables and functions; not running processes.

        Costs what was written. Waits for commands under way; what runs in the background is stopped meanwhile.
        """
        with self._lock:
            self._live()
            states = {number: session.save() for number, session in self._sessions.items() if session.is_open}
            with self._still():
                return SavedState(self._ground.save(self._state), states)

    def fork(self, snapshot: Snapshot | None = None) -> ServedSandbox[S]:
        """A new sandbox from a snapshot, default: from the state as it is now. Its ``sessions`` are restored."""
        with self._lock:
            self._live()
            saved = self.snapshot() if snapshot is None else ours(snapshot, self._ground.kind)
            try:
                return type(self)(self._config, self._home, self._make_ground, saved.state, saved.sessions)
            finally:
                if snapshot is None:
                    saved.discard()

    def reset(self, snapshot: Snapshot | None = None) -> None:
        """Back to a snapshot, default: to the state after opening. Processes end; sessions begun since are closed."""
        with self._lock:
            server = self._live()
            state, sessions = self._origin
            if snapshot is not None:
                saved = ours(snapshot, self._ground.kind)
                state, sessions = saved.state, saved.sessions
            with server.lock:
                server.stop()
            self._ground.clear()
            state.hold()
            self._state.release()
            self._state = state
            try:
                self._start(sessions)
            except BaseException:
                self.close()
                raise

    def session(self) -> ShellSession:
        """A new persistent shell."""
        with self._lock:
            self._live()
            return self._resume(max(self._sessions, default=-1) + 1, None)

    @property
    def sessions(self) -> tuple[ShellSession, ...]:
        """The open sessions, oldest first; in a fork, those of its origin, restored."""
        return tuple(session for _, session in sorted(self._sessions.items()) if session.is_open)

    def is_alive(self) -> bool:
        """Whether commands can run in it."""
        return not self._closed and self._server.is_alive()

    def close(self) -> None:
        """End every process in it and remove its files; commands under way raise SandboxClosedError."""
        if self._closed:
            return
        self._closed = True
        forget(self)
        if os.getpid() != self._owner:  # a fork of the controller: the sandbox is not its own
            return
        self._server.kill()
        with self._lock:
            for session in self._sessions.values():
                session.close()
            with self._server.lock:
                self._server.stop()
            self._ground.end()
            self._workspace.remove()
            self._release()

    def _release(self) -> None:
        self._state.release()
        self._origin[0].release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
