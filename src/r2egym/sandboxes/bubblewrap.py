"""Sandboxes of Linux namespaces and overlays, made by ``bwrap``: no daemon, no root, no image."""

from __future__ import annotations

import os
import posixpath
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from r2egym.errors import SandboxClosedError, SandboxError, SandboxFileError, SandboxStartError, UsageError
from r2egym.records import ExecResult
from r2egym.sandboxes import _oneshot, _processes
from r2egym.sandboxes._files import Root, file_error
from r2egym.sandboxes._launch import Jail, isolation, launch
from r2egym.sandboxes._mounts import Mounts, default_env, plan
from r2egym.sandboxes._shell import SERVER, Channel, Exchange, Order, converse, socket_pair
from r2egym.sandboxes._trees import TreeCopy
from r2egym.sandboxes._workspace import Workspace, new_workspace
from r2egym.sandboxes.base import Capability, SandboxConfig, Session, Snapshot

_READY_SECONDS = 60.0


class BubblewrapSandbox:
    """A sandbox that one ``bwrap`` keeps; made by :meth:`BubblewrapBackend.open`."""

    capabilities = frozenset({Capability.EXPORT})

    def __init__(
        self, config: SandboxConfig, home: Path, *, stacked: dict[str, list[Path]] | None = None
    ) -> None:
        self._config = config
        self._home = home
        self._stacked = stacked or {}
        self._lock = threading.RLock()
        self._closed = False
        self._workspace = new_workspace(home)
        self.id = self._workspace.id
        try:
            self._start()
        except BaseException:
            self._workspace.remove()
            raise

    def _start(self) -> None:
        self._mounts = plan(self._config, self._workspace, self._home, stacked=self._stacked)
        self._jail, self._channel, self._fd = start_server(self._config, self._mounts, self._workspace)
        self._root = Root(self._jail.init)

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
        """Run a command to its end; see :meth:`r2egym.sandboxes.base.Sandbox.exec`."""
        folder = posixpath.join(self._config.cwd, cwd or "")
        order = Order(command, timeout, stdin, {**self._config.env, **(env or {})}, folder, output_limit)
        with self._lock:
            self._must_live()
            exchange = Exchange(self._workspace.io, self._fd)
            try:
                return converse(self._channel, exchange, exchange.line(order), order, self._on_timeout)
            except SandboxError:
                self.close()
                raise

    def _on_timeout(self) -> None:
        _processes.end(self._jail.init)

    def _must_live(self) -> None:
        if self._closed:
            raise SandboxClosedError(f"sandbox {self.id} is closed")

    def read_file(self, path: str, *, limit: int = 1 << 26) -> bytes:
        """Contents of a file; see the contract."""
        self._must_live()
        try:
            return self._root.read(self._absolute(path), limit)
        except OSError as error:
            raise file_error(error, "read", path) from error

    def write_file(self, path: str, data: bytes | str, *, mode: int = 0o644) -> None:
        """Write a file, making its folders; see the contract."""
        self._must_live()
        try:
            self._root.write(self._absolute(path), data.encode() if isinstance(data, str) else data, mode)
        except OSError as error:
            raise file_error(error, "write", path) from error

    def upload(self, source: Path, target: str) -> None:
        """Copy a file or a folder of this machine to ``target`` inside."""
        self._must_live()
        try:
            self._root.upload(source, self._absolute(target))
        except OSError as error:
            raise file_error(error, "upload to", target) from error

    def _absolute(self, path: str) -> str:
        return posixpath.join(self._config.cwd, path)

    def export(self, target: str, destination: Path) -> None:
        """Copy what was written below ``target``; see the contract."""
        self._must_live()
        if target not in self._mounts.overlays:
            raise UsageError(f"{target} is no writable layer of this sandbox")
        try:
            TreeCopy(overlay=False).run(self._mounts.overlays[target].upper, destination)
        except OSError as error:
            raise SandboxFileError(f"cannot copy {target} to {destination}: {error.strerror}") from error

    def snapshot(self) -> Snapshot:
        """Save the state."""
        raise SandboxError("this sandbox takes no snapshots yet")

    def fork(self, snapshot: Snapshot | None = None) -> BubblewrapSandbox:
        """A new sandbox with the state of this one."""
        raise SandboxError("this sandbox cannot be forked yet")

    def reset(self, snapshot: Snapshot | None = None) -> None:
        """Back to the state after opening."""
        if snapshot is not None:
            raise SandboxError("this sandbox takes no snapshots yet")
        with self._lock:
            self._must_live()
            self._stop()
            for overlay in self._mounts.overlays.values():
                Workspace(self.id, overlay.upper.parent).remove()
            self._start()

    def session(self) -> Session:
        """A new persistent shell."""
        raise SandboxError("this sandbox has no sessions yet")

    def is_alive(self) -> bool:
        """Whether commands can run in it."""
        return not self._closed and self._jail.is_alive()

    def _stop(self) -> None:
        self._root.close()
        self._jail.kill()
        os.close(self._fd_ours())

    def _fd_ours(self) -> int:
        return self._channel.reader

    def close(self) -> None:
        """End every process in it and remove its files; twice is safe."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._stop()
            self._workspace.remove()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def start_server(config: SandboxConfig, mounts: Mounts, workspace: Workspace) -> tuple[Jail, Channel, int]:
    """Start ``bwrap`` with the command server in it, and wait until it is ready."""
    ours, theirs = socket_pair()
    log = workspace.path / "start.log"
    with theirs, log.open("wb") as errors:
        fd = theirs.fileno()
        environment = [
            part
            for name, value in default_env(config).items()
            if name in {"PATH", "HOME", "LANG", "TERM"}
            for part in ("--setenv", name, value)
        ]
        script = SERVER.format(setup="ulimit -c 0", fd=fd)
        jail = launch(
            [*isolation(config), "--as-pid-1", *environment, *mounts.arguments, "--chdir", "/"],
            ["/bin/bash", "--norc", "--noprofile", "-c", script],
            pass_fds=(fd,),
            stderr=errors.fileno(),
        )
    handle = ours.detach()
    channel = Channel(handle, handle)
    try:
        channel.wait("R", _READY_SECONDS)
    except SandboxError as error:
        jail.kill()
        os.close(handle)
        reason = log.read_text(errors="replace").strip().splitlines()
        raise SandboxStartError(f"the sandbox did not start: {reason[-1] if reason else error}") from error
    return jail, channel, fd


class BubblewrapBackend:
    """Makes sandboxes with ``bwrap``.

    Args:
        home: ``$R2EGYM_HOME``; the sandboxes' files lie in ``home/sandboxes``.
    """

    name = "bubblewrap"

    def __init__(self, home: Path) -> None:
        self._home = home.absolute()

    def open(self, config: SandboxConfig) -> BubblewrapSandbox:
        """Start a sandbox. Raises SandboxUnavailableError or SandboxStartError."""
        return BubblewrapSandbox(config, self._home)

    def run(
        self,
        config: SandboxConfig,
        command: Sequence[str],
        *,
        timeout: float | None = None,
        stdin: bytes | None = None,
        output_limit: int = 1 << 26,
    ) -> ExecResult:
        """Start a sandbox for one command, run it, and end it; see the contract."""
        workspace = new_workspace(self._home)
        try:
            return _oneshot.run(config, command, workspace, self._home, timeout, stdin, output_limit)
        finally:
            workspace.remove()
