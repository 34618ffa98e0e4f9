"""Sandboxes of containers of a Docker engine on this machine, or of Podman's socket.

The engine makes images, starts containers and removes them. All else goes past it: commands are handed to a shell that is the
container's first process, and files are read and written through the kernel. So the engine must run on this machine.

As the host's user 0 everything works. As another user who may use the engine, sandboxes run as that user, and there are neither a bound
on the sum of what is written, nor ``export``, nor the network ``index``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from r2egym.errors import UsageError
from r2egym.records import ExecResult
from r2egym.sandboxes._registry import keep
from r2egym.sandboxes._sandbox import ServedSandbox
from r2egym.sandboxes._workspace import new_workspace
from r2egym.sandboxes.base import Sandbox, SandboxConfig
from r2egym.sandboxes.containers.engine import Engine
from r2egym.sandboxes.containers.ground import ContainerGround, Image, Site
from r2egym.sandboxes.containers.images import ImageStore
from r2egym.sandboxes.containers.oneshot import OneShot
from r2egym.sandboxes.containers.plan import recipe

__all__ = ["DockerBackend", "DockerSandbox"]


class DockerSandbox(ServedSandbox[Image]):
    """A sandbox that one container keeps; made by :meth:`DockerBackend.open`."""


class DockerBackend:
    """Makes sandboxes with a Docker engine.

    Args:
        home: ``$R2EGYM_HOME``.
        base: an image that stands in for the host's ``/usr``; empty: the host's own, as with bubblewrap.
        engine: a connection; None: where ``docker`` itself would connect to.

    Raises:
        MissingExtraError: Docker's client is not installed.
        SandboxUnavailableError: no engine answers.
    """

    name = "docker"

    def __init__(self, home: Path, *, base: str = "", engine: Engine | None = None) -> None:
        self._home = home.absolute()
        self._base = base
        self.engine = engine or Engine()
        self.images = ImageStore(self.engine, self._home)
        keep(self, self.images.leavings.wait)  # freed last: after the sandboxes that are opened from now on

    def site(self, config: SandboxConfig) -> Site:
        """Where containers of a configuration are made."""
        return Site(config, self._home, self.engine, self.images, self._base)

    def image(self, config: SandboxConfig, *, make: bool = True) -> str:
        """The name of the image of a configuration; made if the engine has it not, unless ``make`` is off.

        Raises:
            SandboxStartError: the engine refuses.
            UsageError: it would be an image of files that may change, which nobody could use again.
        """
        wanted = recipe(config, self._home, self._base)
        if not wanted.lasting:
            raise UsageError("an image can be made of layers of the store only")
        take = self.images.make if make else self.images.name
        return take(wanted.pieces, wanted.base)

    def keep(self, sandbox: Sandbox, name: str) -> None:
        """Make a lasting image of a sandbox as it is now, with our label. Raises SandboxStartError, UsageError."""
        if not isinstance(sandbox, DockerSandbox):
            raise UsageError("a sandbox of another backend")
        saved = sandbox.snapshot()
        try:
            self.images.keep(saved.state.name, name)
        finally:
            saved.discard()

    def open(self, config: SandboxConfig) -> DockerSandbox:
        """Start a sandbox. Raises SandboxUnavailableError or SandboxStartError."""
        site = self.site(config)
        return DockerSandbox(config, self._home, lambda: ContainerGround(site), Image(""))

    def run(
        self,
        config: SandboxConfig,
        command: Sequence[str],
        *,
        timeout: float | None = None,
        stdin: bytes | None = None,
        output_limit: int = 1 << 26,
    ) -> ExecResult:
        """Start a sandbox for one command, run it, and end it; see :meth:`r2egym.sandboxes.base.Backend.run`.

        ``output_limit`` holds for each stream; nothing is spilled.
        """
        workspace = new_workspace(self._home)
        try:
            return OneShot(self.site(config), workspace).run(
                command, timeout=timeout, stdin=stdin or b"", output_limit=output_limit
            )
        finally:
            workspace.remove()
