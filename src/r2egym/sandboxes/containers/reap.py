"""What a controller that was killed has left with the engine: containers that still run, images of saved states.

``HOME/docker/owners/`` holds an empty file for each lease under which something was made, so that without dead owners the
engine need not even be asked.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from r2egym.errors import MissingExtraError, SandboxUnavailableError
from r2egym.sandboxes._workspace import is_held
from r2egym.sandboxes.containers.engine import Engine


def note_owner(home: Path, lease: str) -> None:
    """Something is about to be made under a lease."""
    mark = home / "docker/owners" / lease
    if not mark.exists():
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch()


def reap_containers(home: Path, engine: Engine | None = None) -> tuple[str, ...]:
    """Remove the containers and passing images of dead owners; names. Without an engine that answers, nothing."""
    leases = home / "sandboxes/.leases"
    marks = (home / "docker/owners").glob("*") if (home / "docker/owners").is_dir() else ()
    dead = [mark for mark in marks if not is_held(leases / mark.name)]
    if not dead:
        return ()
    try:
        found = engine or Engine()
    except (SandboxUnavailableError, MissingExtraError):
        return ()
    removed: list[str] = []
    for mark in dead:
        removed += _remove(found, {"label": [f"r2egym.home={home}", f"r2egym.lease={mark.name}"]})
        mark.unlink(missing_ok=True)
    return tuple(removed)


def _remove(engine: Engine, filters: dict[str, list[str]]) -> list[str]:
    api = engine.api
    removed = [
        one["Names"][0].strip("/")
        for one in engine.ask(lambda: api.containers(all=True, filters=filters))
        if engine.quietly(partial(api.remove_container, one["Id"], force=True, v=True))
    ]
    for one in engine.ask(lambda: api.images(filters=filters)):
        names = one["RepoTags"] or [one["Id"]]
        removed += [name for name in names if engine.quietly(partial(api.remove_image, name))]
    return removed
