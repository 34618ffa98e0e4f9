"""How much of the disk a store takes, and what of it can go."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from r2egym.building.plain import walk_files
from r2egym.records import Record


class Usage(Record):
    """How much of the disk one kind of thing takes."""

    kind: str
    count: int
    bytes: int
    """Of the disk; a file that several layers share counts once, under ``blobs``."""


def measure(home: Path) -> tuple[Usage, ...]:
    """What each kind of layer, the shared files, and the index's cache take, largest first; every file counts once."""
    found: list[Usage] = []
    seen = blob_inodes(home)
    for kind in sorted((home / "layers").glob("*/")):
        layers = [note.with_suffix("") for note in kind.glob("*.json")]
        size = sum(_new_bytes(layer, seen) for layer in layers)
        found.append(Usage(kind=f"layers/{kind.name}", count=len(layers), bytes=size))
    for name in ("blobs", "index"):
        files = list(walk_files(home / name))
        size = sum(status.st_blocks * 512 for status in files)
        found.append(Usage(kind=name, count=len(files), bytes=size))
    return tuple(sorted(found, key=lambda usage: -usage.bytes))


def _new_bytes(layer: Path, seen: set[int]) -> int:
    """Bytes on disk of a layer's files that were not seen before."""
    size = 0
    for status in walk_files(layer):
        if status.st_nlink == 1 or status.st_ino not in seen:
            size += status.st_blocks * 512
        if status.st_nlink > 1:
            seen.add(status.st_ino)
    return size


def blob_inodes(home: Path) -> set[int]:
    """Numbers of the shared files' inodes."""
    return {status.st_ino for status in walk_files(home / "blobs")}


def freed_bytes(layer: Path, blobs: set[int]) -> int:
    """Bytes that go with a layer: of files that nothing else has but, at most, the shared files."""
    return sum(
        status.st_blocks * 512
        for status in walk_files(layer)
        if status.st_nlink <= 1 + (status.st_ino in blobs)
    )


def oldest_layers(home: Path) -> list[Path]:
    """All layers, the least recently used first."""
    return [note.with_suffix("") for note in sorted((home / "layers").glob("*/*.json"), key=_used)]


def sweep_blobs(home: Path) -> None:
    """Delete shared files that no layer links to; one that is being linked at this moment is written again."""
    for blob in (home / "blobs").glob("*/*"):
        with suppress(FileNotFoundError):
            if blob.stat().st_nlink == 1:
                blob.unlink()


def trim_index(home: Path, excess: int) -> None:
    """Delete the index's cached pages and files, oldest first, until ``excess`` bytes are free."""
    for path in sorted((path for path in (home / "index").rglob("*") if path.is_file()), key=_used):
        if excess <= 0:
            break
        with suppress(FileNotFoundError):
            size = path.stat().st_blocks * 512
            path.unlink()
            excess -= size


def _used(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
