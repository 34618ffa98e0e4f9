"""The folder that a sandbox has on the host, who owns it, and how the folders of dead owners go away.

``HOME/sandboxes/ID/`` holds the writable sides of overlays and the pipes of commands. ``owner`` in it names a lease in
``HOME/sandboxes/.leases/``: a file on which the controlling process holds a lock for as long as it lives. A lease that can be
locked belongs to nobody, however the process ended; process ids are written beside it for people only.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import hashlib
import json
import os
import secrets
import stat
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from r2egym.errors import SandboxUnavailableError
from r2egym.records import Record
from r2egym.sandboxes._sweep import SWEEPER
from r2egym.sandboxes._trees import ENDLESS, disk_use, remove_tree

_NO_UPPER = frozenset(
    {"overlay", "overlayfs", "aufs", "nfs", "nfs4", "cifs", "9p", "fuse.sshfs", "ecryptfs", "vfat"}
)
_GRACE_SECONDS = 60.0
"""A folder without an owner that is younger than this is being made."""


class ReapReport(Record):
    """What :func:`reap` removed."""

    removed: tuple[str, ...]
    """Ids of sandboxes."""
    alive: int
    """Sandboxes whose owners live."""
    freed_bytes: int


@dataclass(frozen=True)
class Overlay:
    """The writable side of one overlay."""

    upper: Path
    work: Path

    @classmethod
    def make(cls, prefix: Path) -> Overlay:
        """Make the two folders that the kernel asks for."""
        overlay = cls(prefix.with_name(f"{prefix.name}.upper"), prefix.with_name(f"{prefix.name}.work"))
        overlay.upper.mkdir()
        overlay.work.mkdir()
        return overlay


@dataclass(frozen=True)
class Workspace:
    """A sandbox's folder on the host."""

    id: str
    path: Path
    written: Path
    """Where overlays keep what is written: ``path``, unless its file system cannot."""
    lease: str
    """Name of the file that its owner keeps locked."""

    @property
    def io(self) -> Path:
        """Where the pipes and inputs of commands lie; seen inside, read-only, as ``/run/r2egym``."""
        return self.path / "io"

    def overlay(self, name: str) -> Overlay:
        """The writable side called ``name``, new and empty."""
        return Overlay.make(self.written / name)

    def remove(self) -> None:
        """Remove the folder; twice is safe."""
        for path in dict.fromkeys((self.written, self.path)):
            SWEEPER.remove(path)


_leases: dict[tuple[int, Path], Path] = {}
_lease_lock = threading.Lock()
_handles: list[int] = []


def _let_go() -> None:
    """In a fork of this process: its parent's leases are not its own, and must not outlive the parent."""
    while _handles:
        os.close(_handles.pop())
    _leases.clear()


os.register_at_fork(after_in_child=_let_go)


def new_workspace(home: Path) -> Workspace:
    """Make a folder for one sandbox, owned by this process."""
    sandboxes = home / "sandboxes"
    try:
        lease = _lease(sandboxes)
        identity = secrets.token_hex(6)
        side = written_side(home)
        workspace = Workspace(identity, sandboxes / identity, side / identity, lease.name)
        workspace.io.mkdir(parents=True)
        workspace.written.mkdir(parents=True, exist_ok=True)
        owner = {"pid": os.getpid(), "start": _start_time(), "lease": lease.name}
        (workspace.path / "owner").write_text(json.dumps(owner))
    except OSError as error:
        raise SandboxUnavailableError(
            f"cannot make a sandbox's folder under {sandboxes}: {error.strerror}"
        ) from error
    return workspace


@functools.cache
def written_side(home: Path) -> Path:
    """Where overlays under ``home`` can keep what is written: beside the rest, else in shared memory.

    The kernel puts no overlay's written side on another overlay (a container's root), nor on most network file systems.
    """
    sandboxes = home / "sandboxes"
    if _file_system(sandboxes) not in _NO_UPPER:
        return sandboxes
    memory = Path("/dev/shm")  # noqa: S108 - a folder of our own in it, that only we may enter
    if _file_system(memory) != "tmpfs" or not os.access(memory, os.W_OK):
        raise SandboxUnavailableError(
            f"{sandboxes} is on an overlay itself: set R2EGYM_HOME to a volume of the host"
        )
    place = memory / f"r2egym-{os.geteuid()}-{hashlib.sha256(os.fsencode(sandboxes)).hexdigest()[:12]}"
    place.mkdir(mode=0o700, exist_ok=True)
    info = place.lstat()
    if not stat.S_ISDIR(info.st_mode) or info.st_uid != os.geteuid():
        raise SandboxUnavailableError(f"{place} belongs to somebody else; remove it")
    return place


def _file_system(path: Path) -> str:
    """Type of the file system that ``path`` is, or will be, on."""
    real = path.resolve()
    found = ("", "")
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        before, _, after = line.partition(" - ")
        place = before.split()[4].encode().decode("unicode_escape")
        if real.is_relative_to(place) and len(place) >= len(found[0]):
            found = (place, after.split()[0])
    return found[1]


def _start_time() -> int:
    """When this process started, in clock ticks since boot; with its id it names it for good."""
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    return int(fields[19])


def _lease(sandboxes: Path) -> Path:
    """The file that this process keeps locked while it lives; the descriptor stays open until then."""
    key = (os.getpid(), sandboxes)
    with _lease_lock:
        if key not in _leases:
            folder = sandboxes / ".leases"
            folder.mkdir(parents=True, exist_ok=True)
            # locked under a name that `reap` passes over, so that it is never seen unlocked
            path = folder / f"{os.getpid()}-{_start_time()}-{secrets.token_hex(4)}"
            unseen = folder / f".{path.name}"
            handle = os.open(unseen, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(handle, fcntl.LOCK_EX)
            unseen.rename(path)
            _handles.append(handle)
            _leases[key] = path
        return _leases[key]


def reap(home: Path) -> ReapReport:
    """Remove what dead owners left under ``home``. Safe while others work there; never touches what lives."""
    sandboxes = home / "sandboxes"
    removed: list[str] = []
    freed = alive = 0
    if not sandboxes.is_dir():
        return ReapReport(removed=(), alive=0, freed_bytes=0)
    for path in sorted(sandboxes.iterdir()):
        if path.name.startswith("."):
            continue
        if _is_owned(path, sandboxes / ".leases"):
            alive += 1
            continue
        freed += _free(path, home)
        removed.append(path.name)
    for lease in (sandboxes / ".leases").glob("[!.]*"):
        if not is_held(lease):
            lease.unlink(missing_ok=True)
    return ReapReport(removed=tuple(removed), alive=alive, freed_bytes=freed)


def _free(path: Path, home: Path) -> int:
    """Remove a dead owner's folder, and its written side where that lies elsewhere; bytes freed."""
    places = [path]
    with contextlib.suppress(SandboxUnavailableError):
        places = [written_side(home) / path.name, path]
    freed = 0
    for place in dict.fromkeys(places):
        used = disk_use(place)
        freed += used if used < ENDLESS else 0
        if place.parent.is_dir():
            remove_tree(place)
    return freed


def _is_owned(path: Path, leases: Path) -> bool:
    try:
        owner = json.loads((path / "owner").read_text())
        return is_held(leases / Path(owner["lease"]).name)
    except (OSError, ValueError, KeyError, TypeError):
        with contextlib.suppress(OSError):
            return time.time() - path.stat().st_mtime < _GRACE_SECONDS
        return False


def is_held(lease: Path) -> bool:
    """Whether the owner of a lease lives."""
    if lease in _leases.values():
        return True
    try:
        handle = os.open(lease, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    except OSError:  # somebody else's: not ours to judge
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    else:
        return False
    finally:
        os.close(handle)
