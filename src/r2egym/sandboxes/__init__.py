"""Where untrusted code runs."""

from pathlib import Path

from r2egym import settings
from r2egym.errors import UsageError
from r2egym.sandboxes._workspace import ReapReport
from r2egym.sandboxes._workspace import reap as _reap_folders
from r2egym.sandboxes.base import Backend

__all__ = ["ReapReport", "open_backend", "reap"]


def open_backend(name: str, home: Path) -> Backend:
    """The backend called ``name``, whose files lie under ``home``. Raises UsageError for an unknown name."""
    if name == "bubblewrap":
        from r2egym.sandboxes.bubblewrap import BubblewrapBackend

        return BubblewrapBackend(home)
    if name == "docker":
        from r2egym.sandboxes.docker import DockerBackend

        return DockerBackend(home, base=settings.load().docker_base)
    if name == "memory":
        from r2egym.sandboxes.memory import MemoryBackend

        return MemoryBackend()
    raise UsageError(f"no sandbox backend is called {name!r}; there are: bubblewrap, docker, memory")


def reap(home: Path) -> ReapReport:
    """Remove what dead owners left under ``home``, containers included. Safe while others work there."""
    from r2egym.sandboxes.containers.reap import reap_containers

    containers = reap_containers(home.absolute())
    report = _reap_folders(home)
    return report.model_copy(update={"removed": (*report.removed, *containers)})
