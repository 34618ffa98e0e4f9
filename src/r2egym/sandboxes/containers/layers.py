"""Folders of this machine as layers of an image: tar archives that are the same, byte for byte, wherever they are made.

What a sandbox may write to belongs to the sandbox's user; all else belongs to user 0 and may be read by everyone, so that
a read-only layer needs no mount of its own. Times are kept to the second; no names of users, no attributes.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

_OPAQUE = ".wh..wh..opq"
"""In a layer, hides what lies in the same folder below it."""
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Piece:
    """One layer to be."""

    source: Path
    """A folder, or a file."""
    target: str
    """Its absolute path inside; ``/`` is the root."""
    owner: int = 0
    """User and group of all that is in it; 0 with everyone's permission to read."""
    hides: bool = False
    """Whether it hides what lies at its target below it."""
    keeps_owners: bool = False
    """Whether users, groups and modes are those of the source (a root file system)."""
    is_archive: bool = False
    """Whether the source is a layer's archive already."""

    def __str__(self) -> str:
        return f"{self.source} {self.target} {self.owner} {self.hides} {self.keeps_owners}"


class _Digest:
    """A file that is hashed as it is written."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._hash = hashlib.sha256()

    def write(self, data: bytes) -> int:
        self._hash.update(data)
        return self._file.write(data)

    @property
    def text(self) -> str:
        return f"sha256:{self._hash.hexdigest()}"


def write_layer(piece: Piece, file: IO[bytes]) -> str:
    """Write a layer's archive; returns its digest, ``sha256:…``."""
    digest = _Digest(file)
    if piece.is_archive:
        digest.write(piece.source.read_bytes())
        return digest.text
    with tarfile.open(fileobj=digest, mode="w|", format=tarfile.PAX_FORMAT, bufsize=_CHUNK) as archive:  # type: ignore[call-overload]
        for name, path in _entries(piece):
            _add(archive, piece, name, path)
    return digest.text


def _entries(piece: Piece) -> Iterator[tuple[str, Path | None]]:
    """Names inside and their files here; no file: the mark that hides what is below."""
    top = piece.target.strip("/")
    if not piece.source.is_dir():
        yield top, piece.source
        return
    yield top or ".", piece.source
    if piece.hides:
        yield f"{top}/{_OPAQUE}".lstrip("/"), None
    for folder, folders, files in os.walk(piece.source):
        folders.sort()
        below = os.path.relpath(folder, piece.source)
        prefix = f"{top}/" if below == "." else f"{top}/{below}/"
        for name in sorted([*folders, *files]):
            yield f"{prefix}{name}".lstrip("/"), Path(folder, name)


def _add(archive: tarfile.TarFile, piece: Piece, name: str, path: Path | None) -> None:
    if path is None:
        archive.addfile(tarfile.TarInfo(name))
        return
    info = path.lstat()
    entry = tarfile.TarInfo(name)
    entry.mtime = int(info.st_mtime)
    entry.uid = entry.gid = piece.owner
    entry.mode = _mode(info.st_mode, piece)
    if piece.keeps_owners:
        entry.uid, entry.gid = info.st_uid, info.st_gid
    if stat.S_ISLNK(info.st_mode):
        entry.type, entry.linkname = tarfile.SYMTYPE, os.readlink(path)  # noqa: PTH115
        archive.addfile(entry)
    elif stat.S_ISDIR(info.st_mode):
        entry.type = tarfile.DIRTYPE
        archive.addfile(entry)
    elif stat.S_ISREG(info.st_mode):
        entry.size = info.st_size
        with path.open("rb") as file:
            archive.addfile(entry, file)


def _mode(mode: int, piece: Piece) -> int:
    mode = stat.S_IMODE(mode)
    if piece.keeps_owners:
        return mode
    mode &= 0o1777
    if piece.owner:
        return mode
    readable = (mode >> 6) & 0o5
    return mode | readable << 3 | readable
