"""Removing what a sandbox has written without anyone waiting for it.

A little is removed at once. Where there is more, the rest goes under a name that says so, and a thread removes it; what that has
not got round to when the interpreter ends is removed then, and what a killed controller leaves, by ``reap``.
"""

from __future__ import annotations

import contextlib
import os
import queue
import threading
import time
from pathlib import Path

from r2egym.sandboxes._trees import UnfinishedError, remove_tree

_AT_ONCE_SECONDS = 0.003
GONE = ".gone"
"""What the name of a folder that is being removed ends with."""


class Sweeper:
    """Removes folders; one a process."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Path] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._pending = 0
        self._idle = threading.Condition(self._lock)
        self._running = False

    def remove(self, path: Path) -> None:
        """Remove a folder, now or soon; its name is free when this returns. A missing one is fine."""
        gone = path.with_name(f"{path.name}{GONE}{os.getpid()}-{time.monotonic_ns()}")
        try:
            path.rename(gone)
        except FileNotFoundError:
            return
        try:
            remove_tree(gone, deadline=time.monotonic() + _AT_ONCE_SECONDS)
        except UnfinishedError:
            self._later(gone)

    def _later(self, gone: Path) -> None:
        with self._lock:
            self._pending += 1
            if not self._running:
                self._running = True
                threading.Thread(target=self._work, name="r2egym-sweeper", daemon=True).start()
        self._queue.put(gone)

    def _work(self) -> None:
        while True:
            gone = self._queue.get()
            with contextlib.suppress(OSError):  # what stays is for `reap`
                remove_tree(gone)
            with self._lock:
                self._pending -= 1
                if self._pending == 0:
                    self._idle.notify_all()

    def wait(self, seconds: float) -> bool:
        """Wait until all is removed; whether it is."""
        with self._lock:
            return self._idle.wait_for(lambda: self._pending == 0, seconds)


SWEEPER = Sweeper()
os.register_at_fork(after_in_child=SWEEPER.__init__)  # type: ignore[misc]
