"""Writing git's index for a tree that we unpacked ourselves, so that ``git status`` is right and need not read a file."""

from __future__ import annotations

import hashlib
import os
import stat
import struct
from collections.abc import Iterator
from pathlib import Path

from r2egym.building.objects import SUBMODULE, Objects
from r2egym.building.plain import MTIME
from r2egym.errors import RepositoryError


def write_index(objects: Objects, tree: str, tree_layer: Path, target: Path) -> None:
    """Write an index (version 2) that calls every file of the layer unchanged.

    Only lengths and modification times are told, which with ``core.checkStat=minimal`` is all that git compares: the
    rest differs between machines, and layers are shared.
    """
    entries = sorted(_index_entries(objects, tree, tree_layer, b""))
    content = b"DIRC" + struct.pack(">II", 2, len(entries)) + b"".join(data for _, data in entries)
    target.write_bytes(content + hashlib.sha1(content, usedforsecurity=False).digest())
    os.utime(
        target, (MTIME + 60, MTIME + 60)
    )  # younger than the files, or git would read them all to be sure


def _index_entries(objects: Objects, tree: str, folder: Path, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
    for entry in objects.tree(tree):
        path = prefix + entry.name
        place = folder / os.fsdecode(entry.name)
        if entry.mode == stat.S_IFDIR:
            yield from _index_entries(objects, entry.oid, place, path + b"/")
            continue
        try:
            size = 0 if entry.mode == SUBMODULE else place.lstat().st_size
        except OSError as error:
            raise RepositoryError(f"{place} should have been unpacked, and was not ({error})") from None
        mode = (
            entry.mode if entry.mode in {SUBMODULE, stat.S_IFLNK} else stat.S_IFREG | _permissions(entry.mode)
        )
        times = struct.pack(">IIII", MTIME, 0, MTIME, 0)
        numbers = struct.pack(">IIIIII", 0, 0, mode, 0, 0, size & 0xFFFFFFFF)
        head = times + numbers + bytes.fromhex(entry.oid) + struct.pack(">H", min(len(path), 0xFFF)) + path
        yield path, head + b"\0" * (8 - len(head) % 8)


def _permissions(mode: int) -> int:
    return 0o755 if mode & 0o100 else 0o644
