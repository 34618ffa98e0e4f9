"""One started sandbox: ``bwrap``, the command server in it, its bounds and its door to the index.

The server is ``bash`` as the first process inside, which nothing inside can kill or stop. It is told what to do through a
socket, which, unlike a pipe, no other process can open through ``/proc``.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from pathlib import Path

from r2egym.errors import SandboxClosedError, SandboxError, SandboxStartError, SandboxUnavailableError
from r2egym.records import ExecResult
from r2egym.sandboxes import _processes
from r2egym.sandboxes._enter import kill_all
from r2egym.sandboxes._files import Root
from r2egym.sandboxes._launch import isolation, launch
from r2egym.sandboxes._limits import Cage, describe, shell_limits
from r2egym.sandboxes._mounts import IO_FOLDER, Mounts, default_env
from r2egym.sandboxes._orders import Exchange, Order, quote
from r2egym.sandboxes._output import Spill
from r2egym.sandboxes._relay import Relay
from r2egym.sandboxes._talk import Channel, converse
from r2egym.sandboxes._watch import WATCHER, Watched
from r2egym.sandboxes._workspace import Workspace
from r2egym.sandboxes.base import SandboxConfig

_SCRIPT = """\
exec </dev/null >/dev/null 2>&1
set -m
unset OLDPWD SHLVL _
{limits}
p='printf "S %s\\n" $t >&{fd}
( exec {fd}>&-; set +m; {yields} eval "unset c i line p t; $c" ) <$i >{io}/$t.out 2>{io}/$t.err
printf "E %s %d\\n" $t $? >&{fd}'
printf 'R\\n' >&{fd}
while IFS= read -r -u {fd} line; do eval "$line"; done
"""
"""The command server. ``p`` runs code ``c`` as command ``t`` with input ``i``; it stands there once, because ``read`` takes a
system call for each byte of a request."""
READY_SECONDS = 60.0
_ROOM = 8
"""Processes that a command should be able to have, whatever earlier ones have left."""
YIELD = "echo 500 >/proc/self/oom_score_adj;"
"""Shell code: when memory runs out, end this and what comes of it before the server."""


class Server:
    """Starts with its construction.

    Args:
        config: what it is made from.
        mounts: its file system.
        workspace: its folder on the host.
        deadline: when it is ended (monotonic clock).

    Raises:
        SandboxStartError: it did not start.
    """

    def __init__(
        self, config: SandboxConfig, mounts: Mounts, workspace: Workspace, deadline: float | None = None
    ) -> None:
        self.mounts = mounts
        self.lock = threading.RLock()
        self.io = workspace.io
        self.spill = Spill(workspace.path / "spill")
        self.sessions: set[int] = set()
        """Shells of sessions, by process id on the host."""
        self._survivors: set[tuple[int, int | None]] = set()
        self._hit: set[str] = set()
        self._end_reason = ""
        self._deadline = deadline
        self._pids = config.limits.pids
        self._relay: Relay | None = None
        self._watched: Watched | None = None
        self._cage = Cage(workspace.id, config.limits)
        self.limits_in_force = describe(config.limits, self._cage.in_force)
        try:
            self._launch(config, workspace.path / "start.log")
        except BaseException:
            self._cage.close()
            raise
        try:
            self._prepare(config)
        except BaseException:
            self.stop()
            raise

    def _launch(self, config: SandboxConfig, log: Path) -> None:
        ours, theirs = socket.socketpair()
        ours.settimeout(0)
        fd = theirs.fileno()
        script = _SCRIPT.format(
            fd=fd, io=IO_FOLDER, yields=YIELD, limits=shell_limits(config.limits, self._cage.in_force)
        )
        environment = default_env(config.model_copy(update={"env": {}}))
        with theirs, log.open("wb") as errors:
            self._jail = launch(
                [*isolation(config, environment), "--as-pid-1", *self.mounts.arguments, "--chdir", "/"],
                ["/bin/bash", "--norc", "--noprofile", "-c", script],
                pass_fds=(fd,),
                stderr=errors.fileno(),
            )
        self._fd = fd
        self._log = log
        handle = ours.detach()
        self._channel = Channel(handle, handle, pid=self._jail.init)

    def _prepare(self, config: SandboxConfig) -> None:
        caged = self._cage.take(self._jail.init) if self._jail.init else True
        try:
            greeting = self._channel.wait(READY_SECONDS)
        except SandboxError as error:
            raise start_error(self._log.read_text(errors="replace"), error) from error
        if greeting != "R":
            raise SandboxStartError(f"the sandbox's shell began with {greeting!r}")
        if not caged:
            raise SandboxStartError(
                "a control group refused the sandbox; it is left out from now on: try again"
            )
        if config.network == "index":
            self._relay = Relay(self._jail.init, config.index)
        self._watched = Watched(
            folders=tuple(overlay.upper for overlay in self.mounts.overlays.values()),
            init=self._jail.init,
            limits=config.limits,
            kernel_holds=frozenset(
                name for name, how in self.limits_in_force.items() if "watcher" not in how
            ),
            on_excess=self._on_excess,
            on_expiry=self._on_expiry,
            deadline=self._deadline,
        )
        WATCHER.add(self._watched)

    @property
    def init(self) -> int:
        """Process id, on the host, of the first process inside."""
        return self._jail.init

    @property
    def namespace(self) -> str:
        """Name of its PID namespace: what is signalled must live there, whatever its process id was before."""
        return self._jail.namespace

    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._jail.is_alive()

    def root(self) -> Root:
        """The sandbox's file system, for one use."""
        return Root(self._jail.init, self._jail.process.pid)

    def exec(self, order: Order) -> ExecResult:
        """Run a command in a fork of the server."""
        with self.lock, Exchange(self.io) as exchange:

            def code() -> bytes:
                source, body = exchange.source(order), quote(exchange.body(order))
                return exchange.line(f't={exchange.token} i={source} c={body};eval "$p"')

            return self.follow(self._channel, exchange, order, code, self._interrupt)[0]

    def tell(self, code: str, exchange: Exchange) -> None:
        """Have the server itself do something short."""
        token, fd = exchange.token, self._fd
        with self.lock:
            self._channel.tell(exchange.line(f"{code} printf 'E {token} 0\\n' >&{fd}"))
            if self._channel.wait(READY_SECONDS) != f"E {token} 0":
                raise SandboxError("the sandbox's shell spoke out of turn")

    def follow(
        self,
        channel: Channel,
        exchange: Exchange,
        order: Order,
        code: Callable[[], bytes],
        interrupt: Callable[[int], None],
    ) -> tuple[ExecResult, bool]:
        """Hand an order to a shell of this sandbox; its result, and whether the shell ended with it."""
        self._hit.clear()
        self._make_room()
        try:
            result, ended = converse(channel, exchange, order, code, interrupt, self.spill)
        except SandboxClosedError as error:
            if self._end_reason:
                raise SandboxClosedError(self._end_reason) from error
            raise
        self._note_survivors()
        if result.exit_code and self._cage.ran_out_of_memory():
            self._hit.add("memory")
        if self._hit:
            result = result.model_copy(update={"limits_hit": tuple(sorted(self._hit))})
        return result, ended

    def _note_survivors(self) -> None:
        """Remember what an ended command has left running: a later command's time limit is not theirs."""
        left = [pid for pid in _processes.children_of_thread(self.init) if pid not in self.sessions]
        if left or self._survivors:
            self._survivors = {(pid, _processes.start_time(pid)) for pid in left}

    def survivors(self) -> set[int]:
        """Processes that earlier commands left, and that still live."""
        return {pid for pid, started in self._survivors if started == _processes.start_time(pid)}

    def _make_room(self) -> None:
        """End what earlier commands left when it holds all processes there may be: a shell that cannot fork ends."""
        if not self._survivors or self._pids is None:
            return
        if len(_processes.descendants(self.init)) > self._pids - _ROOM:
            self._hit.add("pids")
            self._end_all(self.sessions)

    def _interrupt(self, _count: int) -> None:
        self._end_all(self.sessions | self.survivors())

    def _end_all(self, spared: set[int]) -> None:
        """End all but those spared; what forks faster than it can be stopped takes the sessions with it."""
        if not _processes.end(self.init, self.namespace, spared=spared) and self.is_alive():
            kill_all(self.init)

    def _on_excess(self, limit: str) -> None:
        self._hit.add(limit)
        if limit == "pids":  # nothing else holds a bomb here, so there is no time to be choosy
            kill_all(self.init)
        self._end_all(self.sessions)

    def _on_expiry(self) -> None:
        self._end_reason = "the sandbox reached its life time (limit `wall_seconds`)"
        self._jail.kill()

    def freeze(self) -> list[int]:
        """Stop all that runs inside but the shells."""
        return _processes.freeze(self.init, self.namespace)

    def thaw(self, stopped: list[int]) -> None:
        """Let it go on."""
        _processes.thaw(stopped, self.namespace)

    def kill(self) -> None:
        """End every process; commands under way raise SandboxClosedError."""
        self._jail.kill()

    def stop(self) -> None:
        """End every process and let go of everything but the files."""
        if self._watched is not None:
            WATCHER.remove(self._watched)
        self._jail.kill()
        if self._relay is not None:
            self._relay.close()
        with contextlib.suppress(OSError):
            self._channel.close()
        self._cage.close()


def start_error(said: str, error: SandboxError) -> SandboxError:
    """The exception for a sandbox that did not start, from what ``bwrap`` said before it gave up."""
    lines = said.strip().splitlines()
    reason = lines[-1].removeprefix("bwrap: ") if lines else str(error)
    if "namespace" in reason or "uid map" in reason:
        return SandboxUnavailableError(
            f"this machine has no sandboxes: {reason}; see `r2egym doctor --machine`"
        )
    return SandboxStartError(f"the sandbox did not start: {reason}")
