"""An append-only file of JSON records that survives ``kill -9`` and a power cut.

A record is one line: eight hex digits of length, eight of CRC-32, the JSON text. :meth:`Journal.append` returns when the
record is on disk; threads that append at the same moment share one ``fdatasync``. The first record that is cut short or
fails its checksum, and whatever follows it, is dropped when the journal is opened again: nobody was told that it was
kept. A folder has one writer at a time.

Limits: one record holds less than 4 GiB; a reader that shows a running journal sees whole records only.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import threading
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from pydantic import JsonValue

from r2egym.errors import UsageError

_HEADER = 18  # "llllllll cccccccc "
_OPEN: set[Path] = set()
_OPEN_LOCK = threading.Lock()


class _Batch:
    """Records that are written and synced together.

    Whoever adds the first one writes them all, once the batch before is on disk; the others wait, and each is woken once.
    """

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.done = threading.Event()
        self.failure: OSError | None = None


class Journal:
    """The journal of one folder, opened for writing. Use it in a ``with`` block.

    Args:
        folder: made when it is not there; holds ``journal.log`` and ``lock``.

    Raises:
        UsageError: another process, or this one, is already writing to it.
        OSError: the folder cannot be written, or its disk is full.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "journal.log"
        folder.mkdir(parents=True, exist_ok=True)
        self._lock_path = (folder / "lock").resolve()
        self._lock_file = _lock(self._lock_path)
        self._closed = False
        try:
            self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except BaseException:
            _unlock(self._lock_path, self._lock_file)
            raise
        with self.path.open("rb") as stream:
            self._end = sum(size for size, _ in _frames(stream))
        self.cut = os.fstat(self._fd).st_size - self._end
        """Bytes of a torn tail that were dropped on opening."""
        os.ftruncate(self._fd, self._end)
        self._lock = threading.Lock()
        self._written = _Batch()
        self._written.done.set()
        self._gathering = _Batch()

    def records(self) -> Iterator[JsonValue]:
        """Every record that is on disk, oldest first."""
        yield from read(self.path.parent)

    def append(self, record: JsonValue) -> None:
        """Add a record; it is on disk when this returns. Threads may call it at once.

        Raises:
            OSError: it could not be written; the journal takes nothing more until it is opened again.
        """
        frame = _frame(record)
        with self._lock:
            if self._closed:
                message = f"journal {self.path} is closed"
                raise UsageError(message)
            batch, before = self._gathering, self._written
            leads = not batch.frames
            batch.frames.append(frame)
        if leads:
            self._lead(batch, before)
        else:
            batch.done.wait()
        if batch.failure is not None:
            raise OSError(batch.failure.errno, batch.failure.strerror, str(self.path))

    def replace(self, records: Iterable[JsonValue]) -> None:
        """Have these records stand instead of all there are, at once or not at all. Nobody may append meanwhile.

        Raises:
            OSError: they could not be written; the journal is as it was.
        """
        aside = self.path.with_suffix(".new")
        try:
            with aside.open("wb") as stream:
                size = sum(stream.write(_frame(record)) for record in records)
                stream.flush()
                os.fsync(stream.fileno())
            fresh = os.open(aside, os.O_RDWR | os.O_CLOEXEC)
            aside.replace(self.path)
        finally:
            aside.unlink(missing_ok=True)
        _sync_folder(self.path.parent)
        os.close(self._fd)
        self._fd, self._end = fresh, size

    def close(self) -> None:
        """Give the folder back; twice is safe."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            last = self._gathering if self._gathering.frames else self._written
        last.done.wait()
        os.close(self._fd)
        _unlock(self._lock_path, self._lock_file)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _lead(self, batch: _Batch, before: _Batch) -> None:
        """Have a batch written after the one before it; nothing more is, when this is interrupted."""
        try:
            before.done.wait()
            with self._lock:
                self._written, self._gathering = batch, _Batch()
            batch.failure = before.failure or self._write(b"".join(batch.frames))
        except BaseException:
            batch.failure = InterruptedError(errno.EINTR, "interrupted")
            raise
        finally:
            batch.done.set()

    def _write(self, data: bytes) -> OSError | None:
        """Write and sync one batch; what kept it from being written, if anything did: then nothing of it is there."""
        try:
            view = memoryview(data)
            offset = self._end
            while view:
                written = os.pwrite(self._fd, view, offset)
                offset += written
                view = view[written:]
            os.fdatasync(self._fd)
        except OSError as error:
            os.ftruncate(self._fd, self._end)
            return error
        self._end += len(data)
        return None


def read(folder: Path) -> Iterator[JsonValue]:
    """Every whole record of a folder's journal, oldest first, without locking it; nothing when there is none."""
    path = folder / "journal.log"
    if not path.exists():
        return
    with path.open("rb") as stream:
        for _, payload in _frames(stream):
            yield json.loads(payload)


def _sync_folder(folder: Path) -> None:
    """Have a renamed file keep its name through a power cut."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _frame(record: JsonValue) -> bytes:
    payload = json.dumps(record, separators=(",", ":"), ensure_ascii=True).encode("ascii")
    return b"%08x %08x %b\n" % (len(payload), zlib.crc32(payload), payload)


def _frames(stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Size on disk and payload of each whole record, up to the first torn one."""
    while True:
        header = stream.read(_HEADER)
        try:
            length, checksum = int(header[:8], 16), int(header[9:17], 16)
        except ValueError:
            return
        payload = stream.read(length + 1)
        if len(payload) != length + 1 or payload[-1:] != b"\n" or zlib.crc32(payload[:-1]) != checksum:
            return
        yield _HEADER + length + 1, payload[:-1]


def _lock(path: Path) -> BinaryIO:
    """Take a folder's lock or say who has it.

    A POSIX record lock dies with its process even when a child of it lives on, but does not keep one process from
    locking twice; the set does.
    """
    with _OPEN_LOCK:
        if path in _OPEN:
            message = f"{path.parent} is already being written by this process"
            raise UsageError(message)
        stream = path.open("a+b")
        try:
            fcntl.lockf(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            stream.seek(0)
            owner = stream.read(32).decode("ascii", "replace").strip() or "unknown"
            stream.close()
            message = (
                f"{path.parent} is in use by process {owner}; wait for it to end, or choose another folder"
            )
            raise UsageError(message) from None
        stream.truncate(0)
        stream.write(b"%d\n" % os.getpid())
        stream.flush()
        _OPEN.add(path)
        return stream


def _unlock(path: Path, stream: BinaryIO) -> None:
    with _OPEN_LOCK:
        _OPEN.discard(path)
        stream.close()
