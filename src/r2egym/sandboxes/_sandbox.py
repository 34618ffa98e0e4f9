"""A running sandbox of the bubblewrap backend: what the contract asks for, from the parts beside this file."""

from __future__ import annotations

import contextlib
import os
import posixpath
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from r2egym.errors import SandboxClosedError, SandboxError, SandboxFileError, UsageError
from r2egym.records import ExecResult
from r2egym.sandboxes._files import Root, file_error
from r2egym.sandboxes._limits import able_to_limit
from r2egym.sandboxes._mounts import plan
from r2egym.sandboxes._orders import Order
from r2egym.sandboxes._registry import forget, keep
from r2egym.sandboxes._server import Server
from r2egym.sandboxes._state import BubblewrapSnapshot, Stack, ours
from r2egym.sandboxes._sweep import SWEEPER
from r2egym.sandboxes._trees import TreeCopy
from r2egym.sandboxes._workspace import new_workspace
from r2egym.sandboxes.base import Capability, SandboxConfig, Snapshot
from r2egym.sandboxes.session import ShellSession

_T = TypeVar("_T")
_EMPTY = Stack()
_ABLE = frozenset({Capability.SNAPSHOT, Capability.EXPORT, Capability.SESSION, Capability.NETWORK_INDEX})


class BubblewrapSandbox:
    """A sandbox that one ``bwrap`` keeps; made by :meth:`BubblewrapBackend.open`."""

    def __init__(
        self,
        config: SandboxConfig,
        home: Path,
        stack: Stack = _EMPTY,
        sessions: Mapping[int, str] | None = None,
    ) -> None:
        self._config = config
        self._home = home
        self._lock = threading.RLock()
        self._closed = False
        self._owner = os.getpid()
        wall = config.limits.wall_seconds
        self._deadline = None if wall is None else time.monotonic() + wall
        self._origin = (stack.hold(), dict(sessions or {}))
        self._stack = stack.hold()
        self._sessions: dict[int, ShellSession] = {}
        self._workspace = new_workspace(home)
        self.id = self._workspace.id
        try:
            self._start(self._origin[1])
        except BaseException:
            self._workspace.remove()
            self._release()
            raise
        self.limits_in_force: Mapping[str, str] = self._server.limits_in_force
        self.capabilities = _ABLE | able_to_limit()
        keep(self, self.close)

    def _start(self, sessions: Mapping[int, str]) -> None:
        mounts = plan(self._config, self._workspace, self._home, stacked=self._stack.folders())
        self._server = Server(self._config, mounts, self._workspace, self._deadline)
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
        overlays = self._live().mounts.overlays
        if target not in overlays:
            raise UsageError(
                f"{target} is no writable layer of this sandbox; there are: {', '.join(overlays)}"
            )
        with self._still():
            try:
                TreeCopy(overlay=False).run(overlays[target].upper, destination)
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

    def snapshot(self) -> BubblewrapSnapshot:
        """Save files, and the sessions' working directories, variables and functions; not running processes.

        Costs what was written. Waits for commands under way; what runs in the background is stopped meanwhile.
        """
        with self._lock:
            self._live()
            states = {number: session.save() for number, session in self._sessions.items() if session.is_open}
            with self._still() as server:
                uppers = {target: overlay.upper for target, overlay in server.mounts.overlays.items()}
                return BubblewrapSnapshot(self._stack.grown(self._home, uppers), states)

    def fork(self, snapshot: Snapshot | None = None) -> BubblewrapSandbox:
        """A new sandbox from a snapshot, default: from the state as it is now. Its ``sessions`` are restored."""
        with self._lock:
            self._live()
            saved = self.snapshot() if snapshot is None else ours(snapshot)
            try:
                return BubblewrapSandbox(self._config, self._home, saved.stack, saved.sessions)
            finally:
                if snapshot is None:
                    saved.discard()

    def reset(self, snapshot: Snapshot | None = None) -> None:
        """Back to a snapshot, default: to the state after opening. Processes end; sessions begun since are closed."""
        with self._lock:
            server = self._live()
            stack, sessions = self._origin
            if snapshot is not None:
                stack, sessions = ours(snapshot).stack, ours(snapshot).sessions
            with server.lock:
                server.stop()
            for overlay in server.mounts.overlays.values():
                SWEEPER.remove(overlay.upper)
                SWEEPER.remove(overlay.work)
            stack.hold()
            self._stack.release()
            self._stack = stack
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
            self._workspace.remove()
            self._release()

    def _release(self) -> None:
        self._stack.release()
        self._origin[0].release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
