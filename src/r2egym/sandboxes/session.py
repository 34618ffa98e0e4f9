"""Persistent shells: working directory, variables and functions live on from one script to the next.

A session is an interactive ``bash`` without a terminal, because only such a shell can be interrupted and go on. When a
script's time is up, its children get SIGINT and the shell too, then SIGKILL where that was ignored. A script that makes
the shell itself ignore SIGINT and then loops in built-ins cannot be interrupted: its session ends.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from types import TracebackType
from typing import Self

from r2egym.errors import SandboxClosedError, SandboxError
from r2egym.records import ExecResult
from r2egym.sandboxes import _processes
from r2egym.sandboxes._first import READY_SECONDS, YIELD
from r2egym.sandboxes._orders import Order
from r2egym.sandboxes._server import Server
from r2egym.sandboxes._talk import Channel

_SETUP = "set +o history; set +H; shopt -u checkwinsize; PS1=; PS2=; unset HISTFILE MAILCHECK OLDPWD SHLVL PROMPT_COMMAND; "
_SAVE = """\
shopt -p; printf 'umask %s\\n' "$(umask)"; alias -p; declare -f
compgen -v | while IFS= read -r REPLY; do
case $REPLY in BASH*|COMP_*|DIRSTACK|EPOCH*|EUID|FUNCNAME|GROUPS|HISTCMD|LINENO|OPTARG|OPTERR|PIPESTATUS|PPID) ;;
RANDOM|REPLY|SECONDS|SHELLOPTS|SRANDOM|UID|_) ;; *) declare -p -- "$REPLY";; esac; done
printf 'cd -- %q\\n' "$PWD"; set +o
"""
_GIVE_UP = 200
_SAVE_BYTES = 1 << 26


class _Shell:
    """One running shell of a session."""

    def __init__(self, server: Server, order: Order) -> None:
        self._server = server
        self._say = server.exchange()
        ask = -1
        try:
            say = self._say.pipe("say", os.O_RDWR)
            ask = self._say.pipe("ask", os.O_RDWR)
            self._channel = Channel(say, ask)
            with server.exchange() as exchange:
                server.tell(
                    f"( set +m; {YIELD} unset c i line p t; {exchange.body(order)} ) <{self._say.inside('ask')} >/dev/null 2>&1 & disown;",
                    exchange,
                )
            self.out = self._say.inside("say")
            self._channel.tell(f"{_SETUP} printf 'R %d\\n' $$ >{self.out}\n".encode())
            self.pid = self._find(self._channel.wait(READY_SECONDS))
            self._channel.process = os.pidfd_open(self.pid)
            self._channel.pid = self.pid
        except BaseException:
            self._say.__exit__()
            raise
        server.sessions.add(self.pid)

    def _find(self, greeting: str) -> int:
        inner = greeting.removeprefix("R ")
        for pid in _processes.children(self._server.init):
            if str(_processes.namespace_pid(pid)) == inner:
                return pid
        raise SandboxError("the session's shell cannot be found")

    def run(self, order: Order) -> tuple[ExecResult, bool]:
        with self._server.exchange() as exchange:
            token, out = exchange.token, self.out

            def code() -> bytes:
                script = exchange.file("sh", os.fsencode(str(order.command)))
                # the second line is read, and so the end told, even where the first one was abandoned half-way
                return (
                    f"trap 'printf \"X {token} %d\\n\" $? >{out}' EXIT; printf 'S {token}\\n' >{out}; "
                    f"{{ . {script}; }} <{exchange.source(order)} >{exchange.inside('out')} 2>{exchange.inside('err')}\n"
                    f"printf 'E {token} %d\\n' $? >{out}\n"
                ).encode()

            return self._server.follow(self._channel, exchange, order, code, self._interrupt)

    def _interrupt(self, count: int) -> None:
        namespace = self._server.namespace
        if count >= _GIVE_UP:
            _processes.send(self.pid, signal.SIGKILL, namespace)
            return
        _processes.send(self.pid, signal.SIGSTOP, namespace)
        # it hears of this before any child ends, or it would take a child's end for an ordinary one and go on
        _processes.send(self.pid, signal.SIGINT, namespace)
        forceful = count % 3 == 2  # noqa: PLR2004 - twice politely, since only an obeyed SIGINT ends a loop
        for child in _processes.children(self.pid):
            _processes.end(child, namespace)
            _processes.send(child, signal.SIGKILL if forceful else signal.SIGINT, namespace)
        self._end_orphans()
        _processes.send(self.pid, signal.SIGCONT, namespace)

    def _end_orphans(self) -> None:
        """End what the script started and cut loose, unless it may be another command's that runs now."""
        if not self._server.lock.acquire(blocking=False):
            return
        try:
            spared = self._server.sessions | self._server.survivors()
            _processes.end(self._server.init, self._server.namespace, spared=spared)
        finally:
            self._server.lock.release()

    def close(self) -> None:
        namespace = self._server.namespace
        _processes.end(self.pid, namespace)
        _processes.send(self.pid, signal.SIGKILL, namespace)
        self._server.sessions.discard(self.pid)
        self._channel.close()
        self._say.__exit__()


class ShellSession:
    """A session of a sandbox; see :class:`r2egym.sandboxes.base.Session`. One script at a time.

    Args:
        server: the sandbox it lives in.
        order: the shell's environment and working directory; its command is the shell.
        state: what :meth:`save` said, to begin with.
    """

    def __init__(self, server: Server, order: Order, state: str | None = None) -> None:
        self._order = order
        self._lock = threading.RLock()
        self._shell: _Shell | None = None
        self.connect(server, state)

    def connect(self, server: Server, state: str | None) -> None:
        """Begin anew in a (re)started sandbox."""
        with self._lock:
            self.close()
            self._shell = _Shell(server, self._order)
            if state is not None:
                self.run(f"{{ {state}\n}} 2>/dev/null", timeout=READY_SECONDS)

    def run(
        self, script: str, *, timeout: float | None = None, stdin: str | bytes | None = None
    ) -> ExecResult:
        """Run ``script`` in the shell. On a timeout what it started dies, and the shell's state is kept.

        ``exit`` ends the session; the result has its status. Raises SandboxClosedError after that.
        """
        with self._lock:
            if self._shell is None:
                raise SandboxClosedError("the session is closed")
            order = Order(script, timeout, stdin)
            try:
                result, ended = self._shell.run(order)
            except SandboxError:
                self.close()
                raise
            if ended:
                self.close()
            return result

    def save(self) -> str:
        """A script that brings back working directory, variables, functions, aliases and options."""
        with self._lock:
            if self._shell is None:
                raise SandboxClosedError("the session is closed")
            result, _ = self._shell.run(Order(_SAVE, READY_SECONDS, output_limit=_SAVE_BYTES))
            return result.stdout

    @property
    def is_open(self) -> bool:
        """Whether scripts can run in it."""
        return self._shell is not None

    def close(self) -> None:
        """End the shell; twice is safe."""
        with self._lock:
            if self._shell is not None:
                shell, self._shell = self._shell, None
                with contextlib.suppress(OSError):
                    shell.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
