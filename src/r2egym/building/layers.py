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

import fcntl
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import Self

from r2egym.building.blobs import Blobs, link_or_copy
from r2egym.building.plain import boot, seal, weight
from r2egym.building.room import (
    Usage,
    blob_inodes,
    freed_bytes,
    measure,
    oldest_layers,
    sweep_blobs,
    trim_index,
)
from r2egym.building.scratch import scratch, sweep_scratch
from r2egym.errors import R2EGymError, TaskError

_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,199}")


class LayerStore:
    """Layers and blobs under ``home``; safe for concurrent use by threads and processes.

    Layers handed out stay in use, and are spared by :meth:`prune`, until :meth:`close` or the end of the process.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self._layers = home / "layers"
        self._blobs = Blobs(home)
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
                with self._mutex, self.locked("store", shared=True):
                    self._write_lease(f"{kind}/{key}")  # before it is there, or it might be pruned at once
                self._publish(content, path)
        if not self._take(kind, key):
            raise TaskError(f"{path} vanished as soon as it was made: is something clearing {self.home}?")

    def existing(self, kind: str, key: str) -> Path | None:
        """The layer ``kind/key`` if it has been built."""
        return self._layers / kind / key if self._take(kind, key) else None

    def _publish(self, content: Path, path: Path) -> None:
        """Move a finished folder to its place, its weight first."""
        path.parent.mkdir(parents=True, exist_ok=True)
        note = path.with_name(path.name + ".json")
        if path.exists():
            if _whole(path, note):
                return  # by a rival, where somebody deleted the locks; it may be in use
            shutil.rmtree(path)  # what a power cut left
        staged = content.with_name("note.json")
        staged.write_text(json.dumps({"boot": boot(), "weight": weight(content)}))
        staged.replace(note)
        content.rename(path)

    def _take(self, kind: str, key: str) -> bool:
        """Put the layer in use if it is there and whole."""
        path = self._layers / kind / key
        name = f"{kind}/{key}"
        note = path.with_name(key + ".json")
        with self._mutex:
            if not path.is_dir():
                self._leased.discard(name)
                return False
            if name in self._leased:
                return True
            with self.locked("store", shared=True):
                self._write_lease(name)
                if not path.is_dir() or not _whole(path, note):
                    return False
                os.utime(note)
            self._leased.add(name)
        return True

    def _write_lease(self, name: str) -> None:
        """Tell other processes that a layer is in use: now, and again when the lease was deleted."""
        if self._lease is not None and not os.fstat(self._lease).st_nlink:
            os.close(self._lease)
            self._lease = None
        if self._lease is None:
            self._leases.mkdir(parents=True, exist_ok=True)
            number, _ = tempfile.mkstemp(prefix=f"{os.getpid()}-", dir=self._leases)
            fcntl.flock(number, fcntl.LOCK_EX)
            self._lease = number
            os.write(number, "".join(f"{known}\n" for known in sorted(self._leased)).encode())
        os.write(self._lease, f"{name}\n".encode())

    # --- blobs --------------------------------------------------------------------------------------------------

    def link_blob(self, key: str, target: Path, content: Callable[[], bytes], *, executable: bool) -> None:
        """Make ``target`` a file with the content that ``key`` stands for, sharing one inode with its equals."""
        self._blobs.link(key, target, content, executable=executable)

    def link(self, source: Path, target: Path) -> None:
        """Make ``target`` another name of ``source``, or a copy where it has as many names as it can."""
        link_or_copy(source, target)

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
                    self._blobs.import_file(Path(entry.path), place)

    # --- room ---------------------------------------------------------------------------------------------------

    def usage(self) -> tuple[Usage, ...]:
        """What each kind of layer, the shared files, and the index's cache take, largest first."""
        return measure(self.home)

    def prune(self, max_bytes: int) -> tuple[Usage, ...]:
        """Delete least recently used layers, then files no layer needs, until at most ``max_bytes`` are taken.

        What killed builders left goes first, whatever the bound; with 0 everything goes that is not in use.
        Layers that a living process has in use stay, so more than ``max_bytes`` may remain. Returns the usage after.
        """
        sweep_scratch(self.home)
        excess = sum(usage.bytes for usage in self.usage()) - max_bytes
        blobs = blob_inodes(self.home)
        for path in oldest_layers(self.home):
            if excess <= 0 < max_bytes:
                break
            size = freed_bytes(path, blobs)
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
                with suppress(FileNotFoundError):
                    path.rename(scratch / "retired")
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

    def scratch(self) -> AbstractContextManager[Path]:
        """A new folder on the store's own disk, deleted at the end."""
        return scratch(self.home)

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


def _whole(path: Path, note: Path) -> bool:
    """Whether a layer is what was built: weighed anew when the machine was started since."""
    try:
        said = json.loads(note.read_text())
    except (OSError, ValueError):
        return False
    if said["boot"] == boot():
        return True
    if said["weight"] != weight(path):
        return False
    said["boot"] = boot()
    staged = note.with_name(f"{note.name}.{os.getpid()}")
    staged.write_text(json.dumps(said))
    staged.replace(note)
    return True
