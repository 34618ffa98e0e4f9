"""One command in a sandbox of its own.

The command is what ``bwrap`` runs, so its exit code is the kernel's word, given outside the sandbox's PID namespace.
Before it stands a gate: a few lines of shell that say that the machinery is done and wait for leave, then become it.
"""

from __future__ import annotations

import contextlib
import os
import posixpath
import socket
import time
from collections.abc import Sequence
from pathlib import Path

from r2egym.errors import SandboxError, SandboxStartError, UsageError
from r2egym.records import ExecResult
from r2egym.sandboxes._feed import Feed
from r2egym.sandboxes._first import READY_SECONDS, YIELD
from r2egym.sandboxes._jailed import start_error
from r2egym.sandboxes._launch import Jail, isolation, launch
from r2egym.sandboxes._limits import Cage, describe, shell_limits
from r2egym.sandboxes._mounts import Mounts, default_env, plan
from r2egym.sandboxes._processes import children_of_thread
from r2egym.sandboxes._relay import Relay
from r2egym.sandboxes._talk import Channel
from r2egym.sandboxes._watch import WATCHER, Watched
from r2egym.sandboxes._workspace import Workspace
from r2egym.sandboxes.base import SandboxConfig

_GATE = """\
fd=$1 to=$2; shift 2
{limits}; {yields}
printf 'R\\n' >&$fd
IFS= read -r -u $fd _ || exit 125
eval "exec $fd>&-"
cd -- "$to" || exit 126
unset fd to OLDPWD SHLVL
exec -- "$@"
"""
_CHUNK = 1 << 16


class OneShot:
    """One command; everything is freed when :meth:`run` returns.

    Args:
        config: what its sandbox is made from.
        workspace: the sandbox's folder, which the caller removes.
        home: ``$R2EGYM_HOME``.
    """

    def __init__(self, config: SandboxConfig, workspace: Workspace, home: Path) -> None:
        self._config = config
        self._workspace = workspace
        self._mounts: Mounts = plan(config, workspace, home, stacked={})
        self._hit: set[str] = set()
        self._expired = False

    def run(
        self, command: Sequence[str], *, timeout: float | None, stdin: bytes, output_limit: int
    ) -> ExecResult:
        """Run ``command``; see :meth:`r2egym.sandboxes.base.Backend.run`."""
        words = list(command)
        if not words or any("\0" in word for word in words):
            raise UsageError("a command needs at least one word, and no word can hold a NUL character")
        with contextlib.ExitStack() as stack:
            cage = Cage(self._workspace.id, self._config.limits)
            stack.callback(cage.close)
            pipes = _Pipes(stack)
            ours, theirs = socket.socketpair()
            stack.enter_context(ours)
            with theirs:
                jail = self._launch(words, theirs.fileno(), pipes, cage)
            stack.callback(jail.kill)
            self._watch(jail, describe(self._config.limits, cage.in_force), stack)
            self._open_gate(jail, ours, pipes, cage, stack)
            started = time.monotonic()
            feed = Feed(
                pipes.take_feed(),
                (pipes.out, pipes.err),
                last=jail.process.pid,
                command=next(iter(children_of_thread(jail.init)), 0),
                kill=jail.kill,
                stdin=stdin,
                output_limit=output_limit,
            )
            stack.callback(feed.close)
            timed_out = feed.follow(timeout)
            status = jail.process.wait()
            duration = time.monotonic() - started
            jail.wait_for_init()
            if status and cage.ran_out_of_memory():
                self._hit.add("memory")
        return feed.result(status, timed_out or self._expired, duration, tuple(sorted(self._hit)))

    def _launch(self, words: list[str], fd: int, pipes: _Pipes, cage: Cage) -> Jail:
        gate = _GATE.format(limits=shell_limits(self._config.limits, cage.in_force), yields=YIELD)
        folder = posixpath.join("/", self._config.cwd)
        try:
            return launch(
                [
                    *isolation(self._config, default_env(self._config)),
                    *self._mounts.arguments,
                    "--chdir",
                    "/",
                ],
                ["/bin/bash", "--norc", "--noprofile", "-c", gate, "bash", str(fd), folder, *words],
                pass_fds=(fd,),
                stdin=pipes.source,
                stdout=pipes.out_write,
                stderr=pipes.err_write,
            )
        finally:
            pipes.close_theirs()

    def _watch(self, jail: Jail, held: dict[str, str], stack: contextlib.ExitStack) -> None:
        wall = self._config.limits.wall_seconds
        watched = Watched(
            folders=tuple(overlay.upper for overlay in self._mounts.overlays.values()),
            init=jail.init,
            limits=self._config.limits,
            kernel_holds=frozenset(name for name, how in held.items() if "watcher" not in how),
            on_excess=lambda limit: self._end(jail, limit),
            on_expiry=lambda: self._end(jail, ""),
            deadline=None if wall is None else time.monotonic() + wall,
        )
        WATCHER.add(watched)
        stack.callback(WATCHER.remove, watched)

    def _end(self, jail: Jail, limit: str) -> None:
        if limit:
            self._hit.add(limit)
        else:
            self._expired = True
        jail.process.kill()

    def _open_gate(
        self, jail: Jail, ours: socket.socket, pipes: _Pipes, cage: Cage, stack: contextlib.ExitStack
    ) -> None:
        caged = cage.take(jail.init) if jail.init else True
        channel = Channel(ours.fileno(), ours.fileno())
        try:
            greeting = channel.wait(READY_SECONDS)
        except SandboxError as error:
            jail.kill()
            raise start_error(pipes.complaint(), error) from error
        if greeting != "R":
            raise SandboxStartError(f"the sandbox's gate began with {greeting!r}")
        if not (caged and cage.take_all(jail.init)):
            raise SandboxStartError(
                "a control group refused the sandbox; it is left out from now on: try again"
            )
        if self._config.network == "index":
            stack.callback(Relay(jail.init, self._config.index).close)
        channel.tell(b"go\n")


class _Pipes:
    """The command's three streams."""

    def __init__(self, stack: contextlib.ExitStack) -> None:
        self.source, self.feed = os.pipe2(os.O_CLOEXEC)
        self.out, self.out_write = os.pipe2(os.O_CLOEXEC)
        self.err, self.err_write = os.pipe2(os.O_CLOEXEC)
        self._theirs = [self.source, self.out_write, self.err_write]
        stack.callback(self._close)
        for descriptor in (self.feed, self.out, self.err):
            os.set_blocking(descriptor, False)

    def close_theirs(self) -> None:
        while self._theirs:
            os.close(self._theirs.pop())

    def take_feed(self) -> int:
        feed, self.feed = self.feed, -1
        return feed

    def complaint(self) -> str:
        with contextlib.suppress(BlockingIOError):
            return os.read(self.err, _CHUNK).decode(errors="replace")
        return ""

    def _close(self) -> None:
        self.close_theirs()
        if self.feed >= 0:
            os.close(self.feed)
        os.close(self.out)
        os.close(self.err)
