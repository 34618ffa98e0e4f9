"""The content-addressed store of read-only layers, and of the files that layers share.

A layer is a folder ``layers/KIND/KEY`` that is built aside and renamed into place under a lock, so that any number of
processes may ask for the same one: one builds, the others wait and use it. Beside it lies ``KEY.json``, what it weighs
and in which run of the machine it was made. Nothing is flushed to disk when a layer is made; instead a layer made
before the last boot is weighed again before its first use, and rebuilt when it does not weigh what it should (a power
cut leaves short files behind, never wrong ones of the right length).

Files of equal content and mode are one inode: layers link to ``blobs/``. Everything may be deleted at any time; the
next use rebuilds it. :meth:`LayerStore.prune` is the one deletion that spares what a living process has in use.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Self

from r2egym.building.plain import changed_at, own_bytes, remove_tree, seal, weight, write_file
from r2egym.building.room import Usage, measure, oldest_layers, sweep_blobs, trim_index
from r2egym.errors import R2EGymError, TaskError

_UNFLUSHED = 120.0
"""Seconds after which the system has certainly written a file to disk by itself (it does so after about 35)."""
_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,199}")


class LayerStore:
    """Layers and blobs under ``home``; safe for concurrent use by threads and processes.

    Layers handed out stay in use, and are spared by :meth:`prune`, until :meth:`close` or the end of the process.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self._layers = home / "layers"
        self._blobs = home / "blobs"
        self._locks = home / "locks"
        self._leases = home / "leases"
        self._mutex = Lock()
        self._lease: int | None = None
        self._leased: set[str] = set()

    # --- layers -------------------------------------------------------------------------------------------------

    def layer(self, kind: str, key: str, build: Callable[[Path], None]) -> Path:
        """The layer ``kind/key``; when it is not there, ``build`` fills a new folder for it.

        Raises:
            TaskError: the store cannot be written; whatever ``build`` raises passes through, and nothing is kept.
        """
        if not _SAFE.fullmatch(key):
            raise TaskError(f"{key!r} cannot name a layer")
        path = self._layers / kind / key
        with self._writable():
            if not self._take(kind, key):
                self._make(kind, key, path, build)
        return path

    def _make(self, kind: str, key: str, path: Path, build: Callable[[Path], None]) -> None:
        with self.locked(f"{kind}-{key}"):
            if self._take(kind, key):
                return
            with self.scratch() as scratch:
                content = scratch / "layer"
                content.mkdir()
                build(content)
                seal(content)
                self._publish(content, path)
        if not self._take(kind, key):
            raise TaskError(f"{path} vanished as soon as it was made: is something clearing {self.home}?")

    def existing(self, kind: str, key: str) -> Path | None:
        """The layer ``kind/key`` if it has been built."""
        return self._layers / kind / key if self._take(kind, key) else None

    def _publish(self, content: Path, path: Path) -> None:
        """Move a finished folder to its place, its weight first."""
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():  # what a power cut left
            shutil.rmtree(path)
        note = path.with_name(path.name + ".json")
        staged = content.with_name("note.json")
        staged.write_text(json.dumps({"boot": _boot(), "weight": weight(content)}))
        staged.replace(note)
        content.rename(path)

    def _take(self, kind: str, key: str) -> bool:
        """Put the layer in use if it is there and whole."""
        path = self._layers / kind / key
        name = f"{kind}/{key}"
        note = path.with_name(key + ".json")
        with self._mutex:
            if name in self._leased:
                return path.is_dir()
            if not path.is_dir():
                return False
            with self.locked("store", shared=True):
                self._write_lease(name)
                if not path.is_dir() or not _whole(path, note):
                    return False
                os.utime(note)
            self._leased.add(name)
        return True

    def _write_lease(self, name: str) -> None:
        if self._lease is None:
            self._leases.mkdir(parents=True, exist_ok=True)
            self._distrust_blobs()
            number, _ = tempfile.mkstemp(prefix=f"{os.getpid()}-", dir=self._leases)
            fcntl.flock(number, fcntl.LOCK_EX)
            self._lease = number
        os.write(self._lease, f"{name}\n".encode())

    # --- blobs --------------------------------------------------------------------------------------------------

    def link_blob(self, key: str, target: Path, content: Callable[[], bytes], *, executable: bool) -> None:
        """Make ``target`` a file with the content that ``key`` stands for, sharing one inode with its equals."""
        blob = self._blobs / key[:2] / f"{key[2:]}-{'x' if executable else 'f'}"
        for _ in range(3):
            try:
                os.link(blob, target)
            except FileNotFoundError:
                self._write_blob(blob, content(), executable=executable)
            except OSError as error:
                if error.errno != errno.EMLINK:
                    raise
                break  # as many links as the file system allows
            else:
                return
        write_file(target, content(), executable=executable)

    def link(self, source: Path, target: Path) -> None:
        """Make ``target`` another name of ``source``, or a copy where it has as many names as it can."""
        try:
            os.link(source, target)
        except OSError as error:
            if error.errno != errno.EMLINK:
                raise
            shutil.copy2(source, target)

    def import_file(self, source: Path, target: Path) -> None:
        """Make ``target`` a file equal to ``source`` (a regular file), sharing one inode with its equals."""
        data = source.read_bytes()
        executable = bool(source.stat().st_mode & 0o100)
        self.link_blob(hashlib.sha256(data).hexdigest(), target, lambda: data, executable=executable)

    def import_tree(self, source: Path, target: Path, *, leave_out: tuple[str, ...] = ()) -> None:
        """Copy a folder that a sandbox exported into ``target``: plain files, folders and links, nothing else.

        Names in ``leave_out`` are left out at the top.
        """
        target.mkdir(exist_ok=True)
        with os.scandir(source) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                if entry.name in leave_out:
                    continue
                place = target / entry.name
                if entry.is_symlink():
                    place.symlink_to(Path(entry.path).readlink())
                elif entry.is_dir():
                    self.import_tree(Path(entry.path), place)
                elif entry.is_file():
                    self.import_file(Path(entry.path), place)

    def _write_blob(self, blob: Path, data: bytes, *, executable: bool) -> None:
        blob.parent.mkdir(parents=True, exist_ok=True)
        with self.scratch() as scratch:
            write_file(scratch / "blob", data, executable=executable)
            (scratch / "blob").replace(blob)

    def _distrust_blobs(self) -> None:
        """After a boot, drop the files written shortly before it: their contents may not have reached the disk."""
        stamp = self._leases / ".boot"
        if stamp.exists() and stamp.read_text() == _boot():
            return
        blobs = [(changed_at(path), path) for path in self._blobs.glob("*/*")]
        newest = max((changed for changed, _ in blobs), default=0.0)
        for changed, path in blobs:
            if changed > newest - _UNFLUSHED:
                path.unlink(missing_ok=True)
        stamp.write_text(_boot())

    # --- room ---------------------------------------------------------------------------------------------------

    def usage(self) -> tuple[Usage, ...]:
        """What each kind of layer, the shared files, and the index's cache take, largest first."""
        return measure(self.home)

    def prune(self, max_bytes: int) -> tuple[Usage, ...]:
        """Delete least recently used layers, then files no layer needs, until at most ``max_bytes`` are taken.

        Layers that a living process has in use stay, so more than ``max_bytes`` may remain. Returns the usage after.
        """
        excess = sum(usage.bytes for usage in self.usage()) - max_bytes
        for path in oldest_layers(self.home):
            if excess <= 0:
                break
            size = own_bytes(path, links=2)
            if self._retire(path):
                excess -= size
        sweep_blobs(self.home)
        trim_index(self.home, sum(usage.bytes for usage in self.usage()) - max_bytes)
        return self.usage()

    def _retire(self, path: Path) -> bool:
        """Take a layer out of the store, unless it is in use."""
        with self.scratch() as scratch:
            with self.locked("store"):
                if f"{path.parent.name}/{path.name}" in self._in_use():
                    return False
                try:
                    path.rename(scratch / "retired")
                except FileNotFoundError:
                    return False
                path.with_name(path.name + ".json").unlink(missing_ok=True)
            return True

    def _in_use(self) -> set[str]:
        """Names of the layers that living processes hold; leases of the dead are removed."""
        names = set(self._leased)
        for lease in self._leases.glob("[0-9]*") if self._leases.is_dir() else ():
            with lease.open() as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    names.update(file.read().split())
                else:
                    lease.unlink(missing_ok=True)
        return names

    # --- locks and scratch --------------------------------------------------------------------------------------

    @contextmanager
    def locked(self, name: str, *, shared: bool = False) -> Iterator[None]:
        """Hold a lock that all processes using this store share. Threads exclude one another too."""
        self._locks.mkdir(parents=True, exist_ok=True)
        number = os.open(self._locks / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(number, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
            yield
        finally:
            os.close(number)

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A new folder on the store's own disk, deleted at the end."""
        parent = self.home / "tmp"
        parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f"build-{os.getpid()}-", dir=parent))
        try:
            yield folder
        finally:
            remove_tree(folder)

    @contextmanager
    def _writable(self) -> Iterator[None]:
        try:
            self.home.mkdir(parents=True, exist_ok=True)
            yield
        except R2EGymError:
            raise
        except OSError as error:
            raise TaskError(f"cannot write layers under {self.home}: {error.strerror or error}") from error

    def close(self) -> None:
        """Let go of every layer handed out; twice is safe."""
        with self._mutex:
            if self._lease is not None:
                os.close(self._lease)
            self._lease = None
            self._leased.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _boot() -> str:
    """Identity of this run of the machine; an hour's number where the system does not tell."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return str(int(time.time()) // 3600)


def _whole(path: Path, note: Path) -> bool:
    """Whether a layer is what was built: weighed anew when the machine was started since."""
    try:
        said = json.loads(note.read_text())
    except (OSError, ValueError):
        return False
    if said["boot"] == _boot():
        return True
    if said["weight"] != weight(path):
        return False
    said["boot"] = _boot()
    staged = note.with_name(f"{note.name}.{os.getpid()}")
    staged.write_text(json.dumps(said))
    staged.replace(note)
    return True
