"""Trees of files that untrusted code has written: copied and removed without following a single link.

Every step is relative to an open folder (``dir_fd``) and refuses links, so a process that swaps a folder for a link
while the copy runs gains nothing.
"""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterator
from pathlib import Path

_FICLONE = 0x40049409
_CHUNK = 1 << 22
_OPAQUE = "user.overlay.opaque"
_OPEN_DIR = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def remove_tree(path: Path) -> None:
    """Remove a folder and all below it, whatever its modes; a missing one is fine."""
    parent = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        _remove(path.name, parent)
    finally:
        os.close(parent)


def _remove(name: str, parent: int) -> None:
    try:
        folder = _open_folder(name, parent)
    except FileNotFoundError:
        return
    except NotADirectoryError:
        os.unlink(name, dir_fd=parent)
        return
    try:
        with os.scandir(folder) as entries:
            children = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
        for child, is_folder in children:
            if is_folder:
                _remove(child, folder)
            else:
                os.unlink(child, dir_fd=folder)
    finally:
        os.close(folder)
    os.rmdir(name, dir_fd=parent)


def _open_folder(name: str, parent: int) -> int:
    """Open a folder for emptying; one that its owner may not enter (an overlay's work folder) is made to."""
    info = os.stat(name, dir_fd=parent, follow_symlinks=False)
    if stat.S_ISDIR(info.st_mode) and info.st_mode & 0o700 != 0o700:  # noqa: PLR2004 - rwx for the owner
        handle = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=parent)
        try:
            os.chmod(f"/proc/self/fd/{handle}", 0o700)  # noqa: PTH101 - by descriptor: never through a link
        finally:
            os.close(handle)
    if not stat.S_ISDIR(info.st_mode):
        raise NotADirectoryError(name)
    return os.open(name, _OPEN_DIR, dir_fd=parent)


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

    def run(self, source: Path, destination: Path) -> None:
        """Copy what is in ``source`` into ``destination``, which is made if it is missing."""
        destination.mkdir(parents=True, exist_ok=True)
        origin = os.open(source, _OPEN_DIR)
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
                _remove(name, target)
            if stat.S_ISLNK(info.st_mode):
                os.symlink(os.readlink(name, dir_fd=origin), name, dir_fd=target)
            elif stat.S_ISREG(info.st_mode):
                self._file(name, info, origin, target, prefix)
            elif self._overlay and _is_kept(info):
                os.mknod(name, info.st_mode, info.st_rdev, dir_fd=target)
        self._finish(origin, target, os.fstat(origin))

    def _subfolder(self, name: str, info: os.stat_result, origin: int, target: int, prefix: str) -> None:
        inner = _open(name, origin, _OPEN_DIR, info)
        try:
            hides = self._make_folder(name, inner, target)
            outer = os.open(name, _OPEN_DIR, dir_fd=target)
            try:
                self._folder(inner, outer, f"{prefix}{name}/")
                if hides:
                    os.setxattr(outer, _OPAQUE, b"y")
            finally:
                os.close(outer)
        finally:
            os.close(inner)

    def _make_folder(self, name: str, inner: int, target: int) -> bool:
        """Make a folder, or take the one that is there; whether it must hide what lies below the copy."""
        try:
            os.mkdir(name, 0o700, dir_fd=target)
        except FileExistsError:
            there = os.stat(name, dir_fd=target, follow_symlinks=False)
            if stat.S_ISDIR(there.st_mode) and not _is_opaque(inner):
                return False
            _remove(name, target)
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
        reader = _open(name, origin, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, info)
        try:
            writer = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=target)
            try:
                copy_content(reader, writer)
                self._finish(reader, writer, info)
            finally:
                os.close(writer)
        finally:
            os.close(reader)
        if info.st_nlink > 1:
            self._linked[identity] = f"{prefix}{name}"

    def _finish(self, origin: int, target: int, info: os.stat_result) -> None:
        if self._overlay:
            for name in os.listxattr(origin):
                if name.startswith("user."):
                    os.setxattr(target, name, os.getxattr(origin, name))
        os.fchmod(target, stat.S_IMODE(info.st_mode) & 0o1777)
        os.utime(target, ns=(info.st_atime_ns, info.st_mtime_ns))


def _is_kept(info: os.stat_result) -> bool:
    """Whether an upper folder's special file is copied: a pipe, or a whiteout (device 0:0)."""
    return stat.S_ISFIFO(info.st_mode) or (stat.S_ISCHR(info.st_mode) and info.st_rdev == 0)


def _is_opaque(folder: int) -> bool:
    try:
        return os.getxattr(folder, _OPAQUE) == b"y"
    except OSError:
        return False


def _open(name: str, parent: int, flags: int, info: os.stat_result) -> int:
    """Open what untrusted code may have made unreadable, its modes as they were afterwards."""
    try:
        return os.open(name, flags, dir_fd=parent)
    except PermissionError:
        handle = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
        try:
            path = f"/proc/self/fd/{handle}"  # by descriptor: never through a link
            os.chmod(path, info.st_mode | 0o700)  # noqa: PTH101
            try:
                return os.open(name, flags, dir_fd=parent)
            finally:
                os.chmod(path, stat.S_IMODE(info.st_mode))  # noqa: PTH101
        finally:
            os.close(handle)


def copy_content(reader: int, writer: int) -> None:
    """Copy a file's content between descriptors: shared blocks where the file system can, else in the kernel."""
    try:
        fcntl.ioctl(writer, _FICLONE, reader)
    except OSError:
        while chunk := os.read(reader, _CHUNK):
            view = memoryview(chunk)
            while view:
                view = view[os.write(writer, view) :]


def disk_use(path: Path) -> int:
    """Bytes on disk below ``path``; what vanishes meanwhile does not count."""
    return sum(_blocks(path))


def _blocks(path: Path) -> Iterator[int]:
    folders = [str(path)]
    seen: set[int] = set()
    while folders:
        try:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    info = entry.stat(follow_symlinks=False)
                    if stat.S_ISDIR(info.st_mode):
                        folders.append(entry.path)
                    elif info.st_nlink > 1:
                        if info.st_ino in seen:
                            continue
                        seen.add(info.st_ino)
                    yield info.st_blocks * 512
        except OSError:
            continue
