"""Plain files and folders, as layers are made of: fixed times, fixed permissions, nothing special."""

from __future__ import annotations

import os
import shutil
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

MTIME = 1_000_000_000
"""Modification time of every file in a layer: equal trees are equal on disk, and byte code stays valid."""
_LATER = 3600
"""Seconds after :data:`MTIME` that a maker may give a file which must be younger than others."""


def seal(folder: Path) -> None:
    """Give everything under ``folder`` its fixed time and plain permissions."""
    for root, folders, files in os.walk(folder):
        for name in files + folders:
            path = os.path.join(root, name)  # noqa: PTH118 - a hundred thousand Path objects are felt
            status = os.lstat(path)
            if stat.S_ISDIR(status.st_mode):
                os.chmod(path, 0o755)  # noqa: PTH101, S103 - layers are for all to read
            elif stat.S_ISREG(status.st_mode) and status.st_nlink == 1:
                os.chmod(path, 0o755 if status.st_mode & 0o100 else 0o644)  # noqa: PTH101
            if not MTIME <= status.st_mtime <= MTIME + _LATER:
                os.utime(path, (MTIME, MTIME), follow_symlinks=False)
    folder.chmod(0o755)
    os.utime(folder, (MTIME, MTIME))


def weight(folder: Path) -> list[int]:
    """How many files lie under ``folder``, and the sum of their lengths."""
    sizes = [status.st_size for status in walk_files(folder)]
    return [len(sizes), sum(sizes)]


def remove_tree(folder: Path) -> None:
    """Delete a folder, also one whose subfolders were made read-only by what ran in a sandbox."""

    def loosen(function: Callable[..., object], path: str, _: object) -> None:
        parent = Path(path).parent
        if function is not os.unlink and function is not os.rmdir:
            Path(path).chmod(0o700)
        parent.chmod(0o700)
        shutil.rmtree(path) if Path(path).is_dir() and not Path(path).is_symlink() else Path(path).unlink()

    shutil.rmtree(folder, onerror=loosen)


def write_file(path: Path, data: bytes, *, executable: bool) -> None:
    """Write a new file, never through a link."""
    mode = 0o755 if executable else 0o644
    number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    with os.fdopen(number, "wb") as file:
        file.write(data)
    path.chmod(mode)
    os.utime(path, (MTIME, MTIME))


def walk_files(folder: Path) -> Iterator[os.stat_result]:
    """The status of every file and link under ``folder``; nothing of what is not there (any more)."""
    for root, _, files in os.walk(folder):
        for name in files:
            with suppress(FileNotFoundError):
                yield os.lstat(os.path.join(root, name))  # noqa: PTH118 - as above


def changed_at(path: Path) -> float:
    """When a file was written or linked last, seconds since 1970; 0 when it is gone."""
    try:
        return path.stat().st_ctime
    except FileNotFoundError:
        return 0.0


def boot() -> str:
    """Identity of this run of the machine; an hour's number where the system does not tell."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return str(int(time.time()) // 3600)
