"""The first process that ``bwrap`` brings: it hears and answers through one socket.

A socket, unlike a pipe, cannot be opened again by another process through ``/proc``.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Mapping
from pathlib import Path

from r2egym.errors import SandboxError, SandboxStartError, SandboxUnavailableError
from r2egym.sandboxes._first import READY_SECONDS, server_script
from r2egym.sandboxes._launch import Jail, isolation, launch
from r2egym.sandboxes._limits import Cage
from r2egym.sandboxes._mounts import Mounts, default_env
from r2egym.sandboxes._talk import Channel
from r2egym.sandboxes._workspace import Workspace
from r2egym.sandboxes.base import SandboxConfig


class Jailed:
    """Starts with its construction.

    Args:
        config: what it is made from.
        mounts: its file system.
        workspace: its folder on the host.

    Raises:
        SandboxStartError: it did not start.
    """

    owner: int | None = None

    def __init__(self, config: SandboxConfig, mounts: Mounts, workspace: Workspace) -> None:
        self._cage = Cage(workspace.id, config.limits)
        self.held: Mapping[str, str] = self._cage.in_force
        try:
            self._jail, self.channel, self.say = self._launch(config, mounts, workspace.path / "start.log")
        except BaseException:
            self._cage.close()
            raise
        self.init = self._jail.init
        self.parent = self._jail.process.pid
        self.namespace = self._jail.namespace
        try:
            self._greet(workspace.path / "start.log")
        except BaseException:
            self.kill()
            self.close()
            raise

    def _launch(self, config: SandboxConfig, mounts: Mounts, log: Path) -> tuple[Jail, Channel, int]:
        ours, theirs = socket.socketpair()
        ours.settimeout(0)
        fd = theirs.fileno()
        script = server_script(config.limits, self.held, ask=fd, say=fd)
        environment = default_env(config.model_copy(update={"env": {}}))
        with theirs, log.open("wb") as errors:
            jail = launch(
                [*isolation(config, environment), "--as-pid-1", *mounts.arguments, "--chdir", "/"],
                ["/bin/bash", "--norc", "--noprofile", "-c", script],
                pass_fds=(fd,),
                stderr=errors.fileno(),
            )
        handle = ours.detach()
        return jail, Channel(handle, handle, pid=jail.init), fd

    def _greet(self, log: Path) -> None:
        caged = self._cage.take(self.init) if self.init else True
        try:
            greeting = self.channel.wait(READY_SECONDS)
        except SandboxError as error:
            raise start_error(log.read_text(errors="replace"), error) from error
        if greeting != "R":
            raise SandboxStartError(f"the sandbox's shell began with {greeting!r}")
        if not caged:
            raise SandboxStartError(
                "a control group refused the sandbox; it is left out from now on: try again"
            )

    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._jail.is_alive()

    def kill(self) -> None:
        """End every process; returns when they are gone."""
        self._jail.kill()

    def ran_out_of_memory(self) -> bool:
        """Whether the kernel has ended a process for want of memory since the last call."""
        return self._cage.ran_out_of_memory()

    def close(self) -> None:
        """Close the talk and remove the control groups."""
        with contextlib.suppress(OSError):
            self.channel.close()
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
