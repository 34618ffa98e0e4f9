"""Files of a running sandbox, read and written from the host, without a process inside.

The kernel resolves every path inside the sandbox's own root (``openat2`` with ``RESOLVE_IN_ROOT``, and no magic links), so
links and ``..`` that untrusted code planted lead to where they would lead inside, and never out, also while it
changes them.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import posixpath
import stat
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from r2egym.errors import SandboxClosedError, SandboxFileError

_OPENAT2 = 437
_IN_ROOT_NO_MAGIC = 0x10 | 0x02
_TRIES = 32
_libc = ctypes.CDLL(None, use_errno=True)


class _How(ctypes.Structure):
    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


class Root:
    """The root of a sandbox, open for one use.

    Args:
        init: process id of the sandbox's first process, on the host.
        parent: process id of its parent. The kernel may have given ``init`` to another process; its parent tells.
        owner: the user, on the host, as whom everything is done; None: as this one.
    """

    def __init__(self, init: int, parent: int, owner: int | None = None) -> None:
        self._owner = owner
        try:
            process = os.open(f"/proc/{init}", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise SandboxClosedError("the sandbox died") from error
        try:
            self._handle = os.open("root", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=process)
            if _parent(process) != parent:
                os.close(self._handle)
                raise SandboxClosedError("the sandbox died")
        except OSError as error:
            raise SandboxClosedError("the sandbox died") from error
        finally:
            os.close(process)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._handle)

    def open(self, path: str, flags: int, mode: int = 0) -> int:
        """A descriptor of ``path``; raises OSError as a process inside would get it."""
        name = os.fsencode(path)
        if b"\0" in name:
            raise OSError(errno.EINVAL, "a path cannot hold a NUL character")
        how = _How(flags | os.O_CLOEXEC, mode, _IN_ROOT_NO_MAGIC)
        number = 0
        with self._as_owner():
            for _ in range(_TRIES):
                result: int = _libc.syscall(
                    _OPENAT2, self._handle, name, ctypes.byref(how), ctypes.sizeof(how)
                )
                if result >= 0:
                    return result
                number = ctypes.get_errno()
                if number not in {errno.EAGAIN, errno.EINTR}:
                    break
        raise OSError(number, os.strerror(number), path)

    @contextlib.contextmanager
    def _as_owner(self) -> Iterator[None]:
        """Have the kernel judge, and own, what this thread does to files as if the sandbox's user did it."""
        if self._owner is None:
            yield
            return
        _libc.setfsgid(self._owner)
        _libc.setfsuid(self._owner)
        try:
            yield
        finally:
            _libc.setfsuid(os.geteuid())
            _libc.setfsgid(os.getegid())

    def read(self, path: str, limit: int) -> bytes:
        """The content of a file of at most ``limit`` bytes."""
        handle = self.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
        try:
            info = os.fstat(handle)
            _must_be_file(info, path)
            if info.st_uid == (self._owner or os.geteuid()) and not info.st_mode & stat.S_IRUSR:
                raise OSError(errno.EACCES, os.strerror(errno.EACCES), path)
            parts: list[bytes] = []
            size = 0
            while chunk := os.read(handle, 1 << 20):
                size += len(chunk)
                if size > limit:
                    raise OSError(errno.EFBIG, f"larger than {limit} bytes", path)
                parts.append(chunk)
            return b"".join(parts)
        finally:
            os.close(handle)

    def write(self, path: str, data: bytes, mode: int) -> None:
        """Write a file, making its folders, through links as a process inside would."""
        self.make_folders(posixpath.dirname(path))
        handle = self.open(path, os.O_WRONLY | os.O_CREAT | os.O_NONBLOCK | os.O_NOCTTY, 0o600)
        try:
            _must_be_file(os.fstat(handle), path)
            os.ftruncate(handle, 0)
            view = memoryview(data)
            while view:
                view = view[os.write(handle, view) :]
            with self._as_owner():
                os.fchmod(handle, mode & 0o1777)
        finally:
            os.close(handle)

    def make_folders(self, path: str) -> None:
        """Make a folder and those above it."""
        missing: list[str] = []
        while path not in {"", "/"}:
            try:
                os.close(self.open(path, os.O_PATH | os.O_DIRECTORY))
                break
            except FileNotFoundError:
                path, name = posixpath.split(path.rstrip("/"))
                if name:
                    missing.append(name)
        for name in reversed(missing):
            folder = self.open(path or "/", os.O_PATH | os.O_DIRECTORY)
            try:
                with self._as_owner():
                    os.mkdir(name, 0o755, dir_fd=folder)
            except FileExistsError:
                pass
            finally:
                os.close(folder)
            path = posixpath.join(path or "/", name)

    def upload(self, source: Path, target: str) -> None:
        """Copy a file or a folder of the host; links are copied as links."""
        if source.is_symlink() or not source.is_dir():
            self._upload_one(source, target)
            return
        self.make_folders(target)
        for folder, folders, files in os.walk(source):
            below = posixpath.normpath(posixpath.join(target, os.path.relpath(folder, source)))
            for name in folders:
                path = Path(folder, name)
                if path.is_symlink():
                    self._upload_one(path, posixpath.join(below, name))
                else:
                    self.make_folders(posixpath.join(below, name))
            for name in files:
                self._upload_one(Path(folder, name), posixpath.join(below, name))

    def _upload_one(self, source: Path, target: str) -> None:
        if not source.is_symlink():
            self.write(target, source.read_bytes(), source.stat().st_mode & 0o777)
            return
        parent, name = posixpath.split(target)
        self.make_folders(parent)
        folder = self.open(parent or "/", os.O_PATH | os.O_DIRECTORY)
        link = source.readlink()
        try:
            with self._as_owner():
                try:
                    os.symlink(link, name, dir_fd=folder)
                except FileExistsError:
                    os.unlink(name, dir_fd=folder)
                    os.symlink(link, name, dir_fd=folder)
        finally:
            os.close(folder)


def _parent(process: int) -> int:
    with os.fdopen(os.open("stat", os.O_RDONLY | os.O_CLOEXEC, dir_fd=process), "rb") as file:
        return int(file.read().rpartition(b")")[2].split()[1])


def _must_be_file(info: os.stat_result, path: str) -> None:
    if stat.S_ISDIR(info.st_mode):
        raise OSError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    if not stat.S_ISREG(info.st_mode):
        raise OSError(errno.EINVAL, "not a regular file", path)


def file_error(error: OSError, verb: str, path: str) -> SandboxFileError:
    """The exception for a file that cannot be read or written."""
    return SandboxFileError(f"cannot {verb} {path} in the sandbox: {error.strerror}")
