"""One started sandbox: its first process, the talk with it, its bounds and its door to the index."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from r2egym.errors import SandboxClosedError, SandboxError
from r2egym.records import ExecResult
from r2egym.sandboxes import _processes
from r2egym.sandboxes._enter import kill_all
from r2egym.sandboxes._files import Root
from r2egym.sandboxes._first import READY_SECONDS, First
from r2egym.sandboxes._limits import describe
from r2egym.sandboxes._orders import Exchange, Order, quote
from r2egym.sandboxes._output import Spill
from r2egym.sandboxes._relay import Relay
from r2egym.sandboxes._talk import Channel, converse
from r2egym.sandboxes._watch import WATCHER, Watched
from r2egym.sandboxes._workspace import Workspace
from r2egym.sandboxes.base import SandboxConfig

_ROOM = 8
"""Processes that a command should be able to have, whatever earlier ones have left."""


class Server:
    """Takes orders for a first process.

    Args:
        first: the process, which is this object's from now on.
        config: what the sandbox was made from.
        workspace: its folder on the host.
        written: folders of the host that hold what is written inside; counted against the limit of disk.
        deadline: when it is ended (monotonic clock).
    """

    def __init__(
        self,
        first: First,
        config: SandboxConfig,
        workspace: Workspace,
        written: tuple[Path, ...],
        deadline: float | None = None,
    ) -> None:
        self._first = first
        self.lock = threading.RLock()
        self.io = workspace.io
        self.spill = Spill(workspace.path / "spill")
        self.sessions: set[int] = set()
        """Shells of sessions, by process id on the host."""
        self._survivors: set[tuple[int, int | None]] = set()
        self._hit: set[str] = set()
        self._end_reason = ""
        self._pids = config.limits.pids
        self._relay: Relay | None = None
        self._watched: Watched | None = None
        self.limits_in_force = describe(config.limits, dict(first.held), written=bool(written))
        try:
            if config.network == "index":
                self._relay = Relay(first.init, config.index)
        except BaseException:
            self.stop()
            raise
        self._watched = Watched(
            folders=written,
            init=first.init,
            limits=config.limits,
            kernel_holds=frozenset(
                name for name, how in self.limits_in_force.items() if "watcher" not in how
            ),
            on_excess=self._on_excess,
            on_expiry=self._on_expiry,
            deadline=deadline,
        )
        WATCHER.add(self._watched)

    @property
    def init(self) -> int:
        """Process id, on the host, of the first process inside."""
        return self._first.init

    @property
    def namespace(self) -> str:
        """Name of its PID namespace: what is signalled must live there, whatever its process id was before."""
        return self._first.namespace

    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._first.is_alive()

    def root(self) -> Root:
        """The sandbox's file system, for one use."""
        return Root(self._first.init, self._first.parent, self._first.owner)

    def exchange(self) -> Exchange:
        """The files of one command."""
        return Exchange(self.io, self._first.owner)

    def exec(self, order: Order) -> ExecResult:
        """Run a command in a fork of the server."""
        with self.lock, self.exchange() as exchange:

            def code() -> bytes:
                source, body = exchange.source(order), quote(exchange.body(order))
                return exchange.line(f't={exchange.token} i={source} c={body};eval "$p"')

            return self.follow(self._first.channel, exchange, order, code, self._interrupt)[0]

    def tell(self, code: str, exchange: Exchange) -> None:
        """Have the server itself do something short."""
        token, channel = exchange.token, self._first.channel
        with self.lock:
            channel.tell(exchange.line(f"{code} printf 'E {token} 0\\n' >&{self._first.say}"))
            if channel.wait(READY_SECONDS) != f"E {token} 0":
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
        if result.exit_code and self._first.ran_out_of_memory():
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
        self._first.kill()

    def freeze(self) -> list[int]:
        """Stop all that runs inside but the shells."""
        return _processes.freeze(self.init, self.namespace)

    def thaw(self, stopped: list[int]) -> None:
        """Let it go on."""
        _processes.thaw(stopped, self.namespace)

    def kill(self) -> None:
        """End every process; commands under way raise SandboxClosedError."""
        self._first.kill()

    def stop(self) -> None:
        """End every process and let go of everything but the files."""
        if self._watched is not None:
            WATCHER.remove(self._watched)
        self._first.kill()
        if self._relay is not None:
            self._relay.close()
        self._first.close()
