"""What a command prints: kept in memory up to a bound, the rest in a file, and never more than that."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import IO

SPILL_BYTES = 1 << 28
"""A spill file holds at most this much of a stream; what comes later is counted and thrown away."""
_READ = 1 << 16


class Stream:
    """One stream of a command's output, read from a descriptor.

    Args:
        descriptor: where it is read from, not blocking.
        limit: bytes kept in memory; past it the first half and the last half.
        spill: where the whole is kept when there is more than that.
    """

    def __init__(self, descriptor: int, limit: int, spill: Path | None) -> None:
        self.descriptor = descriptor
        self._half = max(limit, 2) // 2
        self._limit = limit
        self._head = bytearray()
        self._tail = bytearray()
        self._spill = spill
        self._file: IO[bytes] | None = None
        self._over = False
        self.size = 0

    def read(self) -> bool:
        """Take what is there now; False when every writer is gone."""
        while True:
            try:
                chunk = os.read(self.descriptor, _READ)
            except BlockingIOError:
                return True
            if not chunk:
                return False
            self._take(chunk)
            if len(chunk) < _READ // 2:
                return True

    def drain(self) -> None:
        """Take all that was written up to now, at most a pipe full."""
        for _ in range(32):
            try:
                chunk = os.read(self.descriptor, _READ)
            except BlockingIOError:
                return
            if not chunk:
                return
            self._take(chunk)

    def _take(self, chunk: bytes) -> None:
        self.size += len(chunk)
        if not self._over and self.size <= self._limit:
            self._head += chunk
            return
        if not self._over:
            self._overflow()
        self._tail += chunk
        if len(self._tail) > 2 * self._half + _READ:
            del self._tail[: len(self._tail) - self._half]
        self._keep(chunk)

    def _overflow(self) -> None:
        self._over = True
        self._tail = self._head[self._half :]
        if self._spill is not None:
            with contextlib.suppress(OSError):
                self._file = self._spill.open("wb")
                self._keep(self._head)
        del self._head[self._half :]

    def _keep(self, chunk: bytes | bytearray) -> None:
        """Add to the spill file; a full disk ends the file, not the command."""
        if self._file is not None and self._file.tell() < SPILL_BYTES:
            with contextlib.suppress(OSError):
                self._file.write(chunk)

    @property
    def truncated(self) -> bool:
        """Whether less is kept in memory than was printed."""
        return self.size > self._limit

    def finish(self) -> tuple[str, str | None]:
        """The text, and the file that holds the whole of it when that is longer."""
        if not self.truncated:
            return self._head.decode(errors="replace"), None
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()
        tail = self._tail[-self._half :]
        left_out = self.size - len(self._head) - len(tail)
        mark = f"\n[... {left_out} bytes left out ...]\n".encode()
        text = (self._head + mark + tail).decode(errors="replace")
        return text, str(self._spill) if self._file is not None else None
