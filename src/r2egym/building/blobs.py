"""The files that layers share: one inode for every content and mode, under ``home/blobs``."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from threading import Lock

from r2egym.building.plain import boot, changed_at, write_file
from r2egym.building.scratch import scratch

_UNFLUSHED = 120.0
"""Seconds after which the system has certainly written a file to disk by itself (it does so after about 35)."""


class Blobs:
    """Shared files; safe for concurrent use by threads and processes."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._folder = home / "blobs"
        self._mutex = Lock()
        self._trusted = False

    def link(self, key: str, target: Path, content: Callable[[], bytes], *, executable: bool) -> None:
        """Make ``target`` a file with the content that ``key`` stands for, sharing one inode with its equals."""
        self._distrust()
        blob = self._folder / key[:2] / f"{key[2:]}-{'x' if executable else 'f'}"
        for _ in range(3):
            try:
                os.link(blob, target)
            except FileNotFoundError:
                self._write(blob, content(), executable=executable)
            except OSError as error:
                if error.errno != errno.EMLINK:
                    raise
                break  # as many links as the file system allows
            else:
                return
        write_file(target, content(), executable=executable)

    def import_file(self, source: Path, target: Path) -> None:
        """Make ``target`` a file equal to ``source`` (a regular file), sharing one inode with its equals."""
        data = source.read_bytes()
        executable = bool(source.stat().st_mode & 0o100)
        self.link(hashlib.sha256(data).hexdigest(), target, lambda: data, executable=executable)

    def _write(self, blob: Path, data: bytes, *, executable: bool) -> None:
        blob.parent.mkdir(parents=True, exist_ok=True)
        with scratch(self._home) as aside:
            write_file(aside / "blob", data, executable=executable)
            (aside / "blob").replace(blob)

    def _distrust(self) -> None:
        """Before first use after a boot, drop what was written shortly before it: it may not have reached the disk."""
        with self._mutex:
            if self._trusted:
                return
            stamp = self._home / "leases/.boot"
            if not stamp.exists() or stamp.read_text() != boot():
                stamp.parent.mkdir(parents=True, exist_ok=True)
                blobs = [(changed_at(path), path) for path in self._folder.glob("*/*")]
                newest = max((changed for changed, _ in blobs), default=0.0)
                for changed, path in blobs:
                    if changed > newest - _UNFLUSHED:
                        path.unlink(missing_ok=True)
                stamp.write_text(boot())
            self._trusted = True


def link_or_copy(source: Path, target: Path) -> None:
    """Make ``target`` another name of ``source``, or a copy where it has as many names as it can."""
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno != errno.EMLINK:
            raise
        shutil.copy2(source, target)
