"""The lowest layers of an image of ours: the system, and the places where a sandbox's user may write."""

from __future__ import annotations

import hashlib
import io
import tarfile
import tempfile
from pathlib import Path

_DOORS = ("mnt", "opt", "run", "srv", "tmp", "var/tmp")
"""Folders where everyone may make something, and only its maker may remove it; the root is one too."""
_OURS = ("dev", "etc", "opt/r2egym", "proc", "run/r2egym", "sys", "usr")
_USERS = ("home", "root", "testbed")
_EMPTY = frozenset({"home", "mnt", "root", "srv"})
"""Folders of which nothing that a base image put there is seen."""


def write_places(folder: Path, uid: int, texts: dict[str, str]) -> Path:
    """The layer that makes any system fit for sandboxes, as an archive in ``folder``.

    Args:
        folder: where it is kept.
        uid: the sandbox's user.
        texts: files of ``/etc``, by name.
    """
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        for entry, content in _places(uid, texts):
            archive.addfile(entry, io.BytesIO(content))
    path = folder / f"places-{hashlib.sha256(data.getvalue()).hexdigest()[:16]}.tar"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
            file.write(data.getvalue())
        Path(file.name).rename(path)
    return path


def _places(uid: int, texts: dict[str, str]) -> list[tuple[tarfile.TarInfo, bytes]]:
    entries: list[tuple[tarfile.TarInfo, bytes]] = []

    def folder(name: str, mode: int, owner: int = 0) -> None:
        entry = tarfile.TarInfo(name)
        entry.type, entry.mode, entry.uid, entry.gid = tarfile.DIRTYPE, mode, owner, owner
        entries.append((entry, b""))
        if name in _EMPTY:
            entries.append((tarfile.TarInfo(f"{name}/.wh..wh..opq"), b""))

    folder(".", 0o1777)
    for name in _OURS:
        folder(name, 0o755)
    for name in _DOORS:
        folder(name, 0o1777)
    for name in _USERS:
        folder(name, 0o755, uid)
    for name, text in sorted(texts.items()):
        entry = tarfile.TarInfo(f"etc/{name}")
        entry.mode, entry.size = 0o644, len(text.encode())
        entries.append((entry, text.encode()))
    return entries
