"""Trees of files that untrusted code has written: copied and removed without following a single link.

Every step is relative to an open folder (``dir_fd``) and refuses links, so a process that swaps a folder for a link
while the copy runs gains nothing.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

_FICLONE = 0x40049409
_CHUNK = 1 << 22
_OPAQUE = "user.overlay.opaque"
_OPEN_DIR = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_OWNER_MAY_ALL = 0o700
_DEEPEST = 128
"""Folders in each other that are walked into: no honest tree is deeper, and each costs a frame and a descriptor."""
_ENTRY_BYTES = 1 << 10
"""What an entry counts beside its content, so that millions of empty files are not free."""
ENDLESS = 1 << 62
"""What a tree counts that is too deep to be counted."""


class UnfinishedError(Exception):
    """The time for removing a tree was up."""


def remove_tree(path: Path, *, deadline: float | None = None) -> None:
    """Remove a folder and all below it, whatever its modes and depth; a missing one is fine.

    Raises UnfinishedError when the monotonic clock passes ``deadline`` before it is done.
    """
    try:
        parent = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        removal = _Removal(parent, path.name, deadline)
        while removal.names:
            with contextlib.suppress(FileNotFoundError):
                removal.remove(removal.names.pop(), parent, 0)
    finally:
        os.close(parent)


class _Removal:
    """One removal; what lies too deep is moved up, next to the tree, and removed on its own."""

    def __init__(self, top: int, name: str, deadline: float | None) -> None:
        self.names = [name]
        self._top = top
        self._prefix = name
        self._count = 0
        self._deadline = deadline

    def remove(self, name: str, parent: int, depth: int) -> None:
        if self._deadline is not None and time.monotonic() > self._deadline:
            raise UnfinishedError
        if not stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
            os.unlink(name, dir_fd=parent)
            return
        folder = _open_folder(name, parent)
        try:
            if depth > _DEEPEST:
                self._put_aside(name, parent)
                return
            with os.scandir(folder) as entries:
                children = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
            for child, is_folder in children:
                if is_folder:
                    self.remove(child, folder, depth + 1)
                else:
                    os.unlink(child, dir_fd=folder)
        finally:
            os.close(folder)
        os.rmdir(name, dir_fd=parent)

    def _put_aside(self, name: str, parent: int) -> None:
        self._count += 1
        place = f"{self._prefix}.{self._count}"
        os.rename(name, place, src_dir_fd=parent, dst_dir_fd=self._top)
        self.names.append(place)


def _remove_entry(name: str, parent: int) -> None:
    """Remove a file or a tree that is in a copy's way."""
    _Removal(parent, name, None).remove(name, parent, 0)


def _open_folder(name: str, parent: int) -> int:
    """Open a folder for emptying; one that its owner may not enter (an overlay's work folder) is made to."""
    info = os.stat(name, dir_fd=parent, follow_symlinks=False)
    if info.st_mode & _OWNER_MAY_ALL != _OWNER_MAY_ALL:
        _change_mode(name, parent, _OWNER_MAY_ALL)
    return os.open(name, _OPEN_DIR, dir_fd=parent)


def _change_mode(name: str, parent: int, mode: int) -> None:
    handle = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
    try:
        os.chmod(f"/proc/self/fd/{handle}", mode)  # noqa: PTH101 - by descriptor: never through a link
    finally:
        os.close(handle)


@contextlib.contextmanager
def _opened(name: str, parent: int, flags: int, info: os.stat_result) -> Iterator[int]:
    """Open what untrusted code may have made unreadable to its owner; its modes are as they were afterwards."""
    needed = stat.S_IRUSR | (stat.S_IXUSR if stat.S_ISDIR(info.st_mode) else 0)
    opened_up = os.geteuid() != 0 and info.st_mode & needed != needed
    if opened_up:
        _change_mode(name, parent, stat.S_IMODE(info.st_mode) | _OWNER_MAY_ALL)
    handle = os.open(name, flags, dir_fd=parent)
    try:
        yield handle
    finally:
        os.close(handle)
        if opened_up:
            with contextlib.suppress(FileNotFoundError):
                _change_mode(name, parent, stat.S_IMODE(info.st_mode))


class TreeCopy:
    """One copy of a tree, with links, times, modes and hard links kept.

    Args:
        overlay: keep what an overlay's upper folder needs (whiteouts, ``user.overlay.*`` attributes), and where the
            destination holds another upper folder, lay this one over it. Without it, whiteouts are left out, and so are
            sockets, pipes and devices.
    """

    def __init__(self, *, overlay: bool) -> None:
        self._overlay = overlay
        self._linked: dict[tuple[int, int], str] = {}
        self._root = -1

    def run(self, source: Path, destination: Path, below: str = "") -> None:
        """Copy what is in ``source``, or in a folder below it, into ``destination``, which is made if it is missing.

        ``below`` may have been made by untrusted code: no link on the way is followed. A missing one is empty.
        """
        destination.mkdir(parents=True, exist_ok=True)
        try:
            origin = _open_below(source, below)
        except FileNotFoundError:
            if below:
                return
            raise
        self._root = os.open(destination, _OPEN_DIR)
        try:
            self._folder(origin, self._root, "")
        finally:
            os.close(origin)
            os.close(self._root)

    def _folder(self, origin: int, target: int, prefix: str) -> None:
        with os.scandir(origin) as entries:
            names = sorted(entry.name for entry in entries)
        present = set(os.listdir(target))
        for name in names:
            info = os.stat(name, dir_fd=origin, follow_symlinks=False)
            if stat.S_ISDIR(info.st_mode):
                self._subfolder(name, info, origin, target, prefix)
                continue
            if name in present:
                _remove_entry(name, target)
            if stat.S_ISLNK(info.st_mode):
                os.symlink(os.readlink(name, dir_fd=origin), name, dir_fd=target)
            elif stat.S_ISREG(info.st_mode):
                self._file(name, info, origin, target, prefix)
            elif self._overlay and _is_kept(info):
                os.mknod(name, info.st_mode, info.st_rdev, dir_fd=target)
        self._finish(origin, target, os.fstat(origin))

    def _subfolder(self, name: str, info: os.stat_result, origin: int, target: int, prefix: str) -> None:
        if prefix.count("/") >= _DEEPEST:
            raise OSError(errno.ELOOP, f"folders lie deeper than {_DEEPEST} in each other", prefix[:80])
        with _opened(name, origin, _OPEN_DIR, info) as inner:
            hides = self._make_folder(name, inner, target)
            outer = os.open(name, _OPEN_DIR, dir_fd=target)
            try:
                self._folder(inner, outer, f"{prefix}{name}/")
                os.fchmod(outer, stat.S_IMODE(info.st_mode) & 0o1777)
                if hides:
                    os.setxattr(outer, _OPAQUE, b"y")
            finally:
                os.close(outer)

    def _make_folder(self, name: str, inner: int, target: int) -> bool:
        """Make a folder, or take the one that is there; whether it must hide what lies below the copy."""
        try:
            os.mkdir(name, 0o700, dir_fd=target)
        except FileExistsError:
            there = os.stat(name, dir_fd=target, follow_symlinks=False)
            if stat.S_ISDIR(there.st_mode) and not _is_opaque(inner):
                return False
            _remove_entry(name, target)
            os.mkdir(name, 0o700, dir_fd=target)
            return self._overlay
        return False

    def _file(self, name: str, info: os.stat_result, origin: int, target: int, prefix: str) -> None:
        identity = (info.st_dev, info.st_ino)
        if info.st_nlink > 1 and identity in self._linked:
            os.link(
                self._linked[identity], name, src_dir_fd=self._root, dst_dir_fd=target, follow_symlinks=False
            )
            return
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        with _opened(name, origin, flags, info) as reader:
            writer = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=target)
            try:
                copy_content(reader, writer)
                self._finish(reader, writer, info)
            finally:
                os.close(writer)
        if info.st_nlink > 1:
            self._linked[identity] = f"{prefix}{name}"

    def _finish(self, origin: int, target: int, info: os.stat_result) -> None:
        if self._overlay:
            for name in os.listxattr(origin):
                if name.startswith("user."):
                    os.setxattr(target, name, os.getxattr(origin, name))
        os.fchmod(target, stat.S_IMODE(info.st_mode) & 0o1777)
        os.utime(target, ns=(info.st_atime_ns, info.st_mtime_ns))


def _open_below(folder: Path, below: str) -> int:
    handle = os.open(folder, _OPEN_DIR)
    for part in below.split("/") if below else ():
        try:
            inner = os.open(part, _OPEN_DIR, dir_fd=handle)
        finally:
            os.close(handle)
        handle = inner
    return handle


def _is_kept(info: os.stat_result) -> bool:
    """Whether an upper folder's special file is copied: a pipe, or a whiteout (device 0:0)."""
    return stat.S_ISFIFO(info.st_mode) or (stat.S_ISCHR(info.st_mode) and info.st_rdev == 0)


def _is_opaque(folder: int) -> bool:
    try:
        return os.getxattr(folder, _OPAQUE) == b"y"
    except OSError:
        return False


def copy_content(reader: int, writer: int) -> None:
    """Copy a file's content between descriptors: shared blocks where the file system can; holes stay holes."""
    try:
        fcntl.ioctl(writer, _FICLONE, reader)
    except OSError:
        size = os.fstat(reader).st_size
        os.ftruncate(writer, size)
        place = 0
        while place < size:
            try:
                place = os.lseek(reader, place, os.SEEK_DATA)
                end = os.lseek(reader, place, os.SEEK_HOLE)
            except OSError:  # nothing but a hole is left
                return
            place = _copy_range(reader, writer, place, end)


def _copy_range(reader: int, writer: int, place: int, end: int) -> int:
    os.lseek(reader, place, os.SEEK_SET)
    os.lseek(writer, place, os.SEEK_SET)
    while place < end:
        chunk = os.read(reader, min(_CHUNK, end - place))
        if not chunk:
            return end
        view = memoryview(chunk)
        while view:
            view = view[os.write(writer, view) :]
        place += len(chunk)
    return place


def disk_use(path: Path) -> int:
    """Bytes on disk below ``path``, ``ENDLESS`` when it is too deep to count; what vanishes meanwhile does not count."""
    try:
        handle = os.open(path, _OPEN_DIR)
    except OSError:
        return 0
    try:
        return min(_count(handle, set(), 0), ENDLESS)
    finally:
        os.close(handle)


def _count(folder: int, seen: set[int], depth: int) -> int:
    total = 0
    if depth > _DEEPEST:
        return ENDLESS
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                info = entry.stat(follow_symlinks=False)
                if info.st_nlink > 1 and not stat.S_ISDIR(info.st_mode):
                    if info.st_ino in seen:
                        continue
                    seen.add(info.st_ino)
                total += info.st_blocks * 512 + _ENTRY_BYTES
                if stat.S_ISDIR(info.st_mode):
                    with _opened(entry.name, folder, _OPEN_DIR, info) as inner:
                        total += _count(inner, seen, depth + 1)
    return total
