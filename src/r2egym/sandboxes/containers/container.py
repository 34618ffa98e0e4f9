"""The first process of a container: the same shell as in every other sandbox, which hears and answers through two pipes.

The pipes lie in the folder that host and container share until the shell has opened them, and have no name afterwards.
Through ``/proc/1/fd`` a process of the sandbox's user can still reach them: it then breaks its own sandbox, as one
that traces the shell would, and nothing else.

The engine's processes must be seen from here, so it must run on this machine: a command is handed over, followed and ended without
asking the engine, which is asked to start a container and no more.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from r2egym.errors import SandboxError, SandboxStartError, SandboxUnavailableError
from r2egym.sandboxes._first import READY_SECONDS, server_script
from r2egym.sandboxes._limits import memory_group, oom_kills
from r2egym.sandboxes._mounts import default_env
from r2egym.sandboxes._orders import Exchange
from r2egym.sandboxes._processes import pid_namespace, send
from r2egym.sandboxes._talk import Channel
from r2egym.sandboxes._workspace import Workspace
from r2egym.sandboxes.base import SandboxConfig
from r2egym.sandboxes.containers.engine import Engine, Refusal
from r2egym.sandboxes.containers.plan import user_of

ASK, SAY = 60, 61
"""Descriptors inside."""
_END_SECONDS = 30.0


class Running:
    """A started container.

    Args:
        engine: where.
        description: as the engine's interface has it.
        name: the container's.
        image: makes its image anew when the engine has lost it.

    Raises:
        SandboxStartError: it did not start.
    """

    def __init__(
        self, engine: Engine, description: dict[str, Any], name: str, image: Callable[[], object]
    ) -> None:
        self._engine = engine
        self.id = self._create(description, name, image)
        try:
            engine.ask(lambda: engine.api.start(self.id), what="the container did not start")
            facts = engine.ask(lambda: engine.api.inspect_container(self.id))
            self.init = int(facts["State"]["Pid"])
            self._take_hold()
        except BaseException:
            self.remove()
            raise
        self.upper = _upper(facts, self.init)

    def _create(self, description: dict[str, Any], name: str, image: Callable[[], object]) -> str:
        api = self._engine.api

        def mend(refusal: Refusal) -> bool:
            if refusal is Refusal.MISSING:
                image()
            elif refusal is Refusal.NAME:
                self._engine.quietly(lambda: api.remove_container(name, force=True, v=True))
            return refusal in {Refusal.MISSING, Refusal.NAME}

        made = self._engine.ask(
            lambda: api.create_container_from_config(description, name),
            mend=mend,
            what="the container cannot be made",
        )
        return str(made["Id"])

    def _take_hold(self) -> None:
        try:
            self.handle = os.pidfd_open(self.init)
        except OSError as error:
            raise SandboxUnavailableError(
                "the engine's processes cannot be seen from here: the docker backend needs an engine on this machine"
            ) from error
        self.namespace = pid_namespace(self.init)
        self.parent = _parent(self.init)
        if not self.namespace:
            os.close(self.handle)
            raise SandboxUnavailableError(
                "the container's processes are out of reach: run as user 0, or as the user that the engine runs them as"
            )

    def is_alive(self) -> bool:
        """Whether its first process runs."""
        poll = select.poll()
        try:
            poll.register(self.handle, select.POLLIN)
            return not poll.poll(0)
        except OSError:
            return False

    def kill(self) -> None:
        """End every process in it; returns when they are gone. Twice is safe."""
        if self.handle < 0 or not self.is_alive():
            return
        send(self.init, signal.SIGKILL, self.namespace)
        poll = select.poll()
        poll.register(self.handle, select.POLLIN)
        if not poll.poll(_END_SECONDS * 1000):
            raise SandboxError(f"the sandbox's first process {self.init} does not end")

    def let_go(self) -> None:
        """Close the handle; twice is safe."""
        if self.handle >= 0:
            os.close(self.handle)
            self.handle = -1

    def remove(self) -> None:
        """Have the engine remove it."""
        self._engine.quietly(lambda: self._engine.api.remove_container(self.id, force=True, v=True))


def describe_container(
    config: SandboxConfig,
    image: str,
    script: str,
    words: list[str],
    host: dict[str, Any],
    labels: Mapping[str, str],
) -> dict[str, Any]:
    """A container, as the engine's interface has it."""
    uid = user_of(config)
    environment = default_env(config.model_copy(update={"env": {}}))
    return {
        "Image": image,
        "Entrypoint": ["/bin/bash"],
        "Cmd": ["--norc", "--noprofile", "-c", script, "bash", *words],
        "Env": [f"{name}={value}" for name, value in environment.items()],
        "User": f"{uid}:{uid if os.geteuid() == 0 else os.getegid()}",
        "WorkingDir": "/",
        "Hostname": "sandbox",
        "Labels": dict(labels),
        "HostConfig": host,
    }


def owner_of(config: SandboxConfig) -> int | None:
    """To whom files on the host must belong for the container's user to have them; None: they do."""
    return user_of(config) if os.geteuid() == 0 and config.uid != 0 else None


class Contained:
    """A first process in a container.

    Args:
        engine: where.
        config: what the sandbox is made from.
        image: its image.
        remake: makes the image anew.
        host: see :func:`r2egym.sandboxes.containers.plan.host_settings`.
        workspace: its folder on the host.
        labels: of the container.
    """

    def __init__(
        self,
        engine: Engine,
        config: SandboxConfig,
        image: str,
        remake: Callable[[], object],
        host: dict[str, Any],
        workspace: Workspace,
        labels: Mapping[str, str],
    ) -> None:
        self.owner: int | None = owner_of(config)
        self.say = SAY
        self.held: Mapping[str, str] = held(config, engine)
        workspace.io.chmod(0o755)
        with Exchange(workspace.io, self.owner) as exchange:
            say, ask = exchange.pipe("say"), exchange.pipe("ask", os.O_RDWR)
            self.channel = Channel(say, ask)
            opening = f"exec {ASK}<{exchange.inside('ask')} {SAY}>{exchange.inside('say')}; unset HOSTNAME\n"
            script = opening + server_script(config.limits, self.held, ask=ASK, say=SAY)
            description = describe_container(config, image, script, [], host | {"AutoRemove": True}, labels)
            try:
                self._running = Running(
                    engine, description, f"r2egym-{workspace.id}-{exchange.token}", remake
                )
            except BaseException:
                self.channel.close()
                raise
            self._greet()
        self.init, self.parent = self._running.init, self._running.parent
        self.namespace = self._running.namespace
        self.upper = self._running.upper
        self.id = self._running.id
        self._group = memory_group(self.init)
        self._oom_kills = 0

    def _greet(self) -> None:
        self.channel.pid = self._running.init
        self.channel.process = self._running.handle
        try:
            greeting = self.channel.wait(READY_SECONDS)
        except SandboxError as error:
            self._give_up()
            raise SandboxStartError(f"the sandbox's shell did not start: {error}") from error
        except BaseException:
            self._give_up()
            raise
        if greeting != "R":
            self._give_up()
            raise SandboxStartError(f"the sandbox's shell began with {greeting!r}")

    def _give_up(self) -> None:
        self._running.kill()
        self._running.remove()
        self.close()

    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._running.handle >= 0 and self._running.is_alive()

    def kill(self) -> None:
        """End every process; returns when they are gone. The engine removes the container by itself."""
        self._running.kill()

    def ran_out_of_memory(self) -> bool:
        """Whether the kernel has ended a process for want of memory since the last call."""
        if self._group is None:
            return False
        before, self._oom_kills = self._oom_kills, oom_kills(*self._group)
        return self._oom_kills > before

    def close(self) -> None:
        """Close the talk and the handle; twice is safe."""
        if self._running.handle >= 0:
            self._running.handle = -1  # the channel closes it
            with contextlib.suppress(OSError):
                self.channel.close()


def held(config: SandboxConfig, engine: Engine) -> dict[str, str]:
    """By limit that the engine's control groups hold, how."""
    limits = config.limits
    asked = {"memory": limits.memory_bytes, "pids": limits.pids, "cpu": limits.cpus}
    return {
        name: f"cgroup v{engine.group_version or '?'} of the engine"
        for name, bound in asked.items()
        if bound is not None and engine.holds[name]
    }


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, IndexError):
        return 0


def _upper(facts: Mapping[str, Any], init: int) -> Path | None:
    """The folder of the host where an overlay keeps what the container has written, if it may be read."""
    told = ((facts.get("GraphDriver") or {}).get("Data") or {}).get("UpperDir") or _mounted_upper(init)
    path = Path(told) if told else None
    return path if path and path.is_absolute() and os.access(path, os.R_OK | os.X_OK) else None


def _mounted_upper(init: int) -> str:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{init}/mountinfo").read_text().splitlines():
            before, _, after = line.partition(" - ")
            if before.split()[4] == "/" and after.startswith("overlay "):
                for option in after.split()[-1].split(","):
                    name, _, value = option.partition("=")
                    if name == "upperdir":
                        return value
    return ""
