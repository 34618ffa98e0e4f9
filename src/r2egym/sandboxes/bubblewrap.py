"""Sandboxes of Linux namespaces and overlays, made by ``bwrap``: no daemon, no root, no image.

What they do not do: they share the host's kernel, and have no filter of system calls. Processes of one sandbox share one user
and can disturb each other; they cannot disturb another sandbox's, nor the host's.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from r2egym.records import ExecResult
from r2egym.sandboxes._launch import bwrap
from r2egym.sandboxes._oneshot import OneShot
from r2egym.sandboxes._sandbox import BubblewrapSandbox
from r2egym.sandboxes._workspace import new_workspace
from r2egym.sandboxes.base import SandboxConfig

__all__ = ["BubblewrapBackend", "BubblewrapSandbox", "bwrap"]


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
