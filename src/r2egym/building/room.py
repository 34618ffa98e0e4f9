"""How much of the disk a store takes, and what of it can go."""

from __future__ import annotations

from pathlib import Path

from r2egym.building.plain import own_bytes, walk_files
from r2egym.records import Record


class Usage(Record):
    """How much of the disk one kind of thing takes."""

    kind: str
    count: int
    bytes: int
    """Of the disk; a file that several layers share counts once, under ``blobs``."""


def measure(home: Path) -> tuple[Usage, ...]:
    """What each kind of layer, the shared files, and the index's cache take, largest first."""
    found: list[Usage] = []
    for kind in sorted((home / "layers").glob("*/")):
        layers = [entry for entry in kind.iterdir() if entry.is_dir()]
        size = sum(own_bytes(layer) for layer in layers)
        found.append(Usage(kind=f"layers/{kind.name}", count=len(layers), bytes=size))
    for name in ("blobs", "index"):
        files = list(walk_files(home / name))
        size = sum(status.st_blocks * 512 for status in files)
        found.append(Usage(kind=name, count=len(files), bytes=size))
    return tuple(sorted(found, key=lambda usage: -usage.bytes))


def oldest_layers(home: Path) -> list[Path]:
    """All layers, the least recently used first."""
    notes = [note for note in (home / "layers").glob("*/*.json") if note.with_suffix("").is_dir()]
    return [note.with_suffix("") for note in sorted(notes, key=_used)]


def sweep_blobs(home: Path) -> None:
    """Delete shared files that no layer links to; one that is being linked at this moment is written again."""
    for blob in (home / "blobs").glob("*/*"):
        if blob.stat().st_nlink == 1:
            blob.unlink(missing_ok=True)


def trim_index(home: Path, excess: int) -> None:
    """Delete the index's cached pages and files, oldest first, until ``excess`` bytes are free."""
    for path in sorted((path for path in (home / "index").rglob("*") if path.is_file()), key=_used):
        if excess <= 0:
            break
        excess -= path.stat().st_blocks * 512
        path.unlink(missing_ok=True)


def _used(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
