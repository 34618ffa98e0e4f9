"""The watcher: one thread that looks after the bounds that the kernel does not hold.

Disk: folders are counted when free space has shrunk, and rarely otherwise, so idle sandboxes cost nothing. Files that were
deleted while open count too. A sandbox over its bound has its processes ended, and again for as long as it stays over.
What can be written between two looks (a quarter of a second) is not prevented.
"""

from __future__ import annotations

import contextlib
import os
import stat
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from r2egym.sandboxes import _processes
from r2egym.sandboxes._trees import disk_use
from r2egym.sandboxes.base import Limits

_TICK = 0.25
_SHORT_TICK = 0.05
"""Where nothing but this thread holds the number of processes."""
_SHRUNK = 8 << 20
_ENTRY_BYTES = 1 << 10
_AT_LEAST_EVERY = 5.0


@dataclass(eq=False)
class Watched:
    """A sandbox, as the watcher sees it."""

    folders: tuple[Path, ...]
    """Written sides, counted against ``limits.disk_bytes``; none: they cannot be counted."""
    init: int
    limits: Limits
    kernel_holds: frozenset[str]
    """Limits that need no watching."""
    on_excess: Callable[[str], None]
    """Ends what runs in the sandbox; gets the name of the limit."""
    on_expiry: Callable[[], None]
    """Ends the sandbox."""
    ending: bool = False
    """Whether ``on_excess`` is under way."""
    deadline: float | None = None
    """When ``on_expiry`` is called (monotonic clock)."""

    @property
    def is_held(self) -> bool:
        """Whether something else bounds its processes."""
        return self.limits.pids is None or "pids" in self.kernel_holds


class Watcher:
    """Looks after sandboxes from when they are added until they are removed."""

    def __init__(self) -> None:
        self._watched: set[Watched] = set()
        self._changed = threading.Condition()
        self._running = False
        self._free: dict[int, int] = {}
        self._next_count = 0.0

    def add(self, watched: Watched) -> None:
        """Begin to look after a sandbox."""
        with self._changed:
            self._watched.add(watched)
            if not self._running:
                self._running = True
                threading.Thread(target=self._work, name="r2egym-watcher", daemon=True).start()

    def remove(self, watched: Watched) -> None:
        """Look after it no more; twice is safe."""
        with self._changed:
            self._watched.discard(watched)

    def _work(self) -> None:
        tick = _SHORT_TICK
        while True:
            time.sleep(tick)
            with self._changed:
                watched = list(self._watched)
                tick = _TICK if all(one.is_held for one in watched) else _SHORT_TICK
                if not watched:
                    self._running = False
                    return
            with contextlib.suppress(OSError):  # a machine short of everything: look again
                self._look(watched)

    def _look(self, watched: list[Watched]) -> None:
        now = time.monotonic()
        for one in watched:
            if one.deadline is not None and now >= one.deadline:
                one.deadline = None
                one.on_expiry()
            for limit in _excesses_of_processes(one):
                _act(one, limit)
        shrunk = [self._has_shrunk(one) for one in watched]
        if now < self._next_count and not any(shrunk):
            return
        for one in watched:
            if one.folders and one.limits.disk_bytes is not None and _written(one) > one.limits.disk_bytes:
                _act(one, "disk")
        spent = time.monotonic() - now
        self._next_count = time.monotonic() + max(_AT_LEAST_EVERY, 20 * spent)

    def _has_shrunk(self, one: Watched) -> bool:
        try:
            info = os.statvfs(one.folders[0])
        except (OSError, IndexError):
            return False
        free = info.f_bavail * info.f_frsize + info.f_favail * _ENTRY_BYTES
        before = self._free.get(info.f_fsid, free)
        if free > before or before - free >= _SHRUNK or info.f_fsid not in self._free:
            self._free[info.f_fsid] = free
        return before - free >= _SHRUNK


def _act(one: Watched, limit: str) -> None:
    """End what is too much, without letting one stubborn sandbox keep the others from being looked at."""

    def work() -> None:
        try:
            one.on_excess(limit)
        finally:
            one.ending = False

    if not one.ending:
        one.ending = True
        try:
            threading.Thread(target=work, name="r2egym-excess", daemon=True).start()
        except RuntimeError:  # no thread to be had: a bomb may be why
            work()


def _excesses_of_processes(one: Watched) -> list[str]:
    bounds = {"memory": one.limits.memory_bytes, "pids": one.limits.pids}
    bounds = {
        name: bound for name, bound in bounds.items() if bound is not None and name not in one.kernel_holds
    }
    if not bounds:
        return []
    living = _processes.descendants(one.init)
    counts = {"pids": len(living), "memory": sum(map(_resident, living)) if "memory" in bounds else 0}
    return [name for name, bound in bounds.items() if bound is not None and counts[name] > bound]


def _resident(pid: int) -> int:
    """Bytes of a process that are its own: resident and not shared with a file."""
    try:
        fields = Path(f"/proc/{pid}/statm").read_text().split()
        return (int(fields[1]) - int(fields[2])) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


def _written(one: Watched) -> int:
    total = sum(disk_use(folder) for folder in one.folders)
    return total + sum(_deleted_but_open(pid) for pid in _processes.descendants(one.init))


def _deleted_but_open(pid: int) -> int:
    total = 0
    seen: set[tuple[int, int]] = set()
    with contextlib.suppress(OSError):
        for name in os.listdir(f"/proc/{pid}/fd"):  # noqa: PTH208
            with contextlib.suppress(OSError):
                info = os.stat(f"/proc/{pid}/fd/{name}")  # noqa: PTH116
                if (
                    stat.S_ISREG(info.st_mode)
                    and info.st_nlink == 0
                    and (info.st_dev, info.st_ino) not in seen
                ):
                    seen.add((info.st_dev, info.st_ino))
                    total += info.st_blocks * 512
    return total


WATCHER = Watcher()
os.register_at_fork(after_in_child=WATCHER.__init__)  # type: ignore[misc]
