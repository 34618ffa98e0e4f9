"""What the tests of an engine look at."""

from pathlib import Path

from r2egym.sandboxes.docker import DockerBackend


def containers(backend: DockerBackend, home: Path) -> list[str]:
    """Names of the containers of a home."""
    found = backend.engine.api.containers(all=True, filters={"label": f"r2egym.home={home}"})
    return [name for one in found for name in one["Names"]]


def passing(backend: DockerBackend, home: Path) -> list[str]:
    """Images that were made for one sandbox of a home, or of one."""
    found = backend.engine.api.images(filters={"label": f"r2egym.home={home}"})
    return [name for one in found for name in one["RepoTags"] or [one["Id"]]]
