"""Sandboxes of Linux namespaces and overlays, made by ``bwrap``: no daemon, no root, no image.

What they do not do: they share the host's kernel, and have no filter of system calls. Processes of one sandbox share one user
and can disturb each other; they cannot disturb another sandbox's, nor the host's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from r2egym.errors import UsageError
from r2egym.records import ExecResult
from r2egym.sandboxes._jailed import Jailed
from r2egym.sandboxes._launch import bwrap
from r2egym.sandboxes._limits import able_to_limit
from r2egym.sandboxes._mounts import plan
from r2egym.sandboxes._oneshot import OneShot
from r2egym.sandboxes._sandbox import ServedSandbox
from r2egym.sandboxes._state import Stack
from r2egym.sandboxes._sweep import SWEEPER
from r2egym.sandboxes._workspace import Overlay, Workspace, new_workspace
from r2egym.sandboxes.base import Capability, SandboxConfig

__all__ = ["BubblewrapBackend", "BubblewrapSandbox", "bwrap"]

_ABLE = frozenset({Capability.SNAPSHOT, Capability.EXPORT, Capability.SESSION, Capability.NETWORK_INDEX})


class BubblewrapSandbox(ServedSandbox[Stack]):
    """A sandbox that one ``bwrap`` keeps; made by :meth:`BubblewrapBackend.open`."""


class _Overlays:
    """Overlays whose written sides lie in the sandbox's own folder."""

    kind = Stack

    def __init__(self, config: SandboxConfig, home: Path) -> None:
        if config.image:
            raise UsageError(f"bubblewrap has no images ({config.image}); the docker backend does")
        self._config = config
        self._home = home
        self._overlays: dict[str, Overlay] = {}
        self.capabilities = _ABLE | able_to_limit()

    @property
    def written(self) -> tuple[Path, ...]:
        """The written sides."""
        return tuple(overlay.upper for overlay in self._overlays.values())

    @property
    def uppers(self) -> Mapping[str, tuple[Path, str]]:
        """By target, its written side."""
        return {target: (overlay.upper, "") for target, overlay in self._overlays.items()}

    def begin(self, state: Stack, workspace: Workspace) -> Jailed:
        """Start ``bwrap`` on new and empty written sides."""
        mounts = plan(self._config, workspace, self._home, stacked=state.folders())
        self._overlays = mounts.overlays
        return Jailed(self._config, mounts, workspace)

    def clear(self) -> None:
        """Remove the written sides."""
        for overlay in self._overlays.values():
            SWEEPER.remove(overlay.upper)
            SWEEPER.remove(overlay.work)

    def end(self) -> None:
        """Nothing lies elsewhere."""

    def save(self, state: Stack) -> Stack:
        """Copy the written sides."""
        return state.grown(self._home, {target: overlay.upper for target, overlay in self._overlays.items()})


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
        return BubblewrapSandbox(config, self._home, partial(_Overlays, config, self._home), Stack())

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
            return OneShot(config, workspace, self._home).run(
                command, timeout=timeout, stdin=stdin or b"", output_limit=output_limit
            )
        finally:
            workspace.remove()
