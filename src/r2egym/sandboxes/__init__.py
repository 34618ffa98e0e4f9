"""Where untrusted code runs."""

from pathlib import Path

from r2egym.errors import UsageError
from r2egym.sandboxes._workspace import ReapReport, reap
from r2egym.sandboxes.base import Backend

__all__ = ["ReapReport", "open_backend", "reap"]


def open_backend(name: str, home: Path) -> Backend:
    """The backend called ``name``, whose files lie under ``home``. Raises UsageError for an unknown name."""
    if name == "bubblewrap":
        from r2egym.sandboxes.bubblewrap import BubblewrapBackend

        return BubblewrapBackend(home)
    if name == "docker":
        from r2egym.sandboxes.docker import DockerBackend

        return DockerBackend(home)
    if name == "memory":
        from r2egym.sandboxes.memory import MemoryBackend

        return MemoryBackend()
    raise UsageError(f"no sandbox backend is called {name!r}; there are: bubblewrap, docker, memory")
