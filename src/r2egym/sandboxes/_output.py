"""What a command prints: kept in memory up to a bound, the whole in a file, and that bounded too."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path
from typing import IO

_READ = 1 << 16
_PIPE_FULL = 1 << 20


class Spill:
    """Where a sandbox's long outputs are kept whole, until its bound is reached.

    Args:
        folder: where the files lie; made when the first one is.
        size: bytes for all of them together.
    """

    def __init__(self, folder: Path, size: int = 1 << 29) -> None:
        self._folder = folder
        self._left = size

    def open(self) -> tuple[Path, IO[bytes]] | None:
        """A new file; None when there is no room."""
        if self._left <= 0:
            return None
        try:
            self._folder.mkdir(exist_ok=True)
            path = self._folder / secrets.token_hex(6)
            return path, path.open("wb")
        except OSError:
            return None

    def write(self, file: IO[bytes], data: bytes | bytearray) -> bool:
        """Add to a file; False when the bound, or the disk, does not allow it."""
        self._left -= len(data)
        if self._left < 0:
            return False
        try:
            file.write(data)
        except OSError:
            return False
        return True


class Stream:
    """One stream of a command's output, read from a descriptor.

    Args:
        descriptor: where it is read from, not blocking.
        limit: bytes kept in memory; past it the first half and the last half.
        spill: where the whole is kept when there is more than that.
    """

    def __init__(self, descriptor: int, limit: int, spill: Spill | None) -> None:
        self.descriptor = descriptor
        self._limit = limit
        self._half = max(limit, 2) // 2
        self._head = bytearray()
        self._tail = bytearray()
        self._spill = spill
        self._file: IO[bytes] | None = None
        self._path: Path | None = None
        self._over = False
        self._size = 0

    def read(self) -> bool:
        """Take what is there now; False when every writer is gone."""
        try:
            chunk = os.read(self.descriptor, _READ)
        except BlockingIOError:
            return True
        self._take(chunk)
        return bool(chunk)

    def drain(self) -> None:
        """Take all that was written up to now, at most a pipe full."""
        taken = 0
        while taken < _PIPE_FULL:
            try:
                chunk = os.read(self.descriptor, _READ)
            except BlockingIOError:
                return
            if not chunk:
                return
            taken += len(chunk)
            self._take(chunk)

    def _take(self, chunk: bytes) -> None:
        self._size += len(chunk)
        if not self._over and self._size <= self._limit:
            self._head += chunk
            return
        if not self._over:
            self._overflow(chunk)
        else:
            self._tail += chunk
            self._keep(chunk)
        if len(self._tail) > 2 * self._half + _READ:
            del self._tail[: len(self._tail) - self._half]

    def _overflow(self, chunk: bytes) -> None:
        self._over = True
        opened = self._spill.open() if self._spill is not None else None
        if opened is not None:
            self._path, self._file = opened
        whole = self._head + chunk
        self._keep(whole)
        self._head, self._tail = whole[: self._half], whole[self._half :]

    def _keep(self, data: bytes | bytearray) -> None:
        if self._file is None or self._spill is None:
            return
        if not self._spill.write(self._file, data):
            self._close()
            self._path = None

    def _close(self) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()
            self._file = None

    @property
    def truncated(self) -> bool:
        """Whether less is kept in memory than was printed."""
        return self._over

    def finish(self) -> tuple[str, str | None]:
        """The text, and the file that holds the whole of it when that is longer."""
        self._close()
        if not self._over:
            return self._head.decode(errors="replace"), None
        rest = min(self._half, len(self._tail))
        tail = self._tail[len(self._tail) - rest :]
        left_out = self._size - len(self._head) - len(tail)
        mark = f"\n[... {left_out} bytes left out ...]\n".encode() if left_out else b""
        text = (self._head + mark + tail).decode(errors="replace")
        return text, str(self._path) if self._path is not None else None
