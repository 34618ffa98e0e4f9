"""Folders for work in progress, gone with their makers.

A maker holds a lock on its folder for as long as it lives, so that whoever clears up can tell a killed maker's folder
from one that is being written, also where the two cannot see one another's process ids.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

from r2egym.building.plain import remove_tree

_BUILD = "build-"
_SOCKET = "r2egym-index-"
_OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def scratch(home: Path) -> AbstractContextManager[Path]:
    """A new folder under ``home/tmp``, deleted at the end."""
    return _folder(home / "tmp", f"{_BUILD}{os.getpid()}-")


def socket_folder() -> AbstractContextManager[Path]:
    """A new folder with a short path, as a socket needs it, deleted at the end."""
    return _folder(Path(tempfile.gettempdir()), _SOCKET)


def sweep_scratch(home: Path) -> None:
    """Delete the folders of makers that were killed."""
    for folder in (*(home / "tmp").glob(f"{_BUILD}*"), *Path(tempfile.gettempdir()).glob(f"{_SOCKET}*")):
        try:
            number = os.open(folder, _OPEN)
        except OSError:
            continue  # gone, or somebody else's
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue  # at work
        else:
            with suppress(FileNotFoundError):
                remove_tree(folder)
        finally:
            os.close(number)


@contextmanager
def _folder(parent: Path, prefix: str) -> Iterator[Path]:
    parent.mkdir(parents=True, exist_ok=True)
    folder, number = _locked(parent, prefix)
    try:
        yield folder
    finally:
        if folder.exists():
            remove_tree(folder)
        os.close(number)


def _locked(parent: Path, prefix: str) -> tuple[Path, int]:
    """A new folder and the descriptor that locks it; another one when it was swept before it was locked."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
        try:
            number = os.open(folder, _OPEN)
        except FileNotFoundError:
            continue
        fcntl.flock(number, fcntl.LOCK_EX)
        if os.fstat(number).st_nlink:
            return folder, number
        os.close(number)
