"""One command in a container of its own.

The first process is a few lines of shell that wait for leave, run the command as their child, and end as it ended; the exit code
is what the engine says of that process.
"""

from __future__ import annotations

import contextlib
import os
import posixpath
import time
from collections.abc import Sequence

from r2egym.errors import SandboxError, SandboxStartError, UsageError
from r2egym.records import ExecResult
from r2egym.sandboxes._feed import Feed
from r2egym.sandboxes._first import READY_SECONDS, YIELD
from r2egym.sandboxes._limits import describe, shell_limits
from r2egym.sandboxes._mounts import default_env
from r2egym.sandboxes._orders import Exchange, quote
from r2egym.sandboxes._relay import Relay
from r2egym.sandboxes._talk import Channel
from r2egym.sandboxes._watch import WATCHER, Watched
from r2egym.sandboxes._workspace import Workspace
from r2egym.sandboxes.containers.container import Running, describe_container, held, owner_of
from r2egym.sandboxes.containers.ground import Site

_GATE = """\
exec 60<{ask} 61>{say} 62<{source} 63>{out} 64>{err}
exec </dev/null >/dev/null 2>&1
{limits}
printf 'R\\n' >&61
IFS= read -r -u 60 _ || exit 125
exec 60<&- 61>&-
( {yields} exec <&62 >&63 2>&64 62<&- 63>&- 64>&-
cd -- {folder} || exit 126
unset OLDPWD SHLVL {unset}
exec -- "$@" )
exit $?
"""


class OneShot:
    """One command; everything is freed when :meth:`run` returns.

    Args:
        site: what its container is made from.
        workspace: its folder on the host, which the caller removes.
    """

    def __init__(self, site: Site, workspace: Workspace) -> None:
        self._site = site
        self._workspace = workspace
        self._config = site.config
        self._engine = site.engine
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
            pipes = _Pipes(self._workspace, owner_of(self._config), stack)
            running = self._start(pipes, words, stack)
            self._watch(running, stack)
            self._open_gate(running, Channel(pipes.say, pipes.ask, running.handle), stack)
            pipes.forget_names()
            started = time.monotonic()
            feed = Feed(
                pipes.take_source(), (pipes.out, pipes.err), last=running.init, command=0,
                kill=running.kill, stdin=stdin, output_limit=output_limit,
            )  # fmt: skip
            stack.callback(feed.close)
            timed_out = feed.follow(timeout)
            duration = time.monotonic() - started
            status = self._status(running)
        return feed.result(status, timed_out or self._expired, duration, tuple(sorted(self._hit)))

    def _start(self, pipes: _Pipes, words: list[str], stack: contextlib.ExitStack) -> Running:
        gate = _GATE.format(
            **pipes.inside(),
            limits=shell_limits(self._config.limits, held(self._config, self._engine)),
            yields=YIELD,
            unset="" if "HOSTNAME" in self._config.env else "HOSTNAME",  # the engine's doing
            folder=quote(posixpath.join("/", self._config.cwd)),
        )
        image = self._site.image(self._workspace).hold()
        stack.callback(image.release)
        description = describe_container(
            self._config,
            image.name,
            gate,
            words,
            self._site.host(self._workspace),
            self._site.labels(self._workspace),
        )
        description["Env"] = [f"{name}={value}" for name, value in default_env(self._config).items()]
        name = f"r2egym-{self._workspace.id}"
        running = Running(self._engine, description, name, lambda: self._site.image(self._workspace))
        stack.callback(running.remove)
        stack.callback(running.let_go)
        stack.callback(running.kill)
        return running

    def _watch(self, running: Running, stack: contextlib.ExitStack) -> None:
        limits = self._config.limits
        written = (running.upper,) if running.upper else ()
        how = describe(limits, held(self._config, self._engine), written=bool(written))
        watched = Watched(
            folders=written,
            init=running.init,
            limits=limits,
            kernel_holds=frozenset(name for name, text in how.items() if "watcher" not in text),
            on_excess=lambda limit: self._end(running, limit),
            on_expiry=lambda: self._end(running, ""),
            deadline=None if limits.wall_seconds is None else time.monotonic() + limits.wall_seconds,
        )
        WATCHER.add(watched)
        stack.callback(WATCHER.remove, watched)

    def _end(self, running: Running, limit: str) -> None:
        if limit:
            self._hit.add(limit)
        else:
            self._expired = True
        running.kill()

    def _open_gate(self, running: Running, channel: Channel, stack: contextlib.ExitStack) -> None:
        try:
            greeting = channel.wait(READY_SECONDS)
        except SandboxError as error:
            raise SandboxStartError(f"the sandbox's gate did not start: {error}") from error
        if greeting != "R":
            raise SandboxStartError(f"the sandbox's gate began with {greeting!r}")
        if self._config.network == "index":
            stack.callback(Relay(running.init, self._config.index).close)
        channel.tell(b"go\n")

    def _status(self, running: Running) -> int:
        """What the engine says of the first process; without its word there is no result."""
        api = self._engine.api
        status = int(self._engine.ask(lambda: api.wait(running.id))["StatusCode"])
        if status:
            facts = self._engine.ask(lambda: api.inspect_container(running.id))
            if facts["State"].get("OOMKilled"):
                self._hit.add("memory")
        return status


class _Pipes:
    """The command's three streams, and the two through which its gate is opened."""

    def __init__(self, workspace: Workspace, owner: int | None, stack: contextlib.ExitStack) -> None:
        workspace.io.chmod(0o755)
        self._exchange = stack.enter_context(Exchange(workspace.io, owner))
        self.say = self._pipe("say", os.O_RDONLY, stack)
        self.ask = self._pipe("ask", os.O_RDWR, stack)
        self.out = self._pipe("out", os.O_RDONLY, stack)
        self.err = self._pipe("err", os.O_RDONLY, stack)
        self._source = self._exchange.pipe("source", os.O_RDWR)
        stack.callback(self._close_source)

    def _pipe(self, name: str, flags: int, stack: contextlib.ExitStack) -> int:
        descriptor = self._exchange.pipe(name, flags)
        stack.callback(os.close, descriptor)
        return descriptor

    def inside(self) -> dict[str, str]:
        """Where they are in the container."""
        return {name: self._exchange.inside(name) for name in ("ask", "say", "source", "out", "err")}

    def forget_names(self) -> None:
        """The container has opened them: from now on nobody else can."""
        self._exchange.__exit__()

    def take_source(self) -> int:
        source, self._source = self._source, -1
        return source

    def _close_source(self) -> None:
        if self._source >= 0:
            os.close(self._source)
