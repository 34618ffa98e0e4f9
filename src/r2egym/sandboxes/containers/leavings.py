"""Images that served one sandbox, removed when the engine lets them go.

An ended container is removed by the engine in its own time, and until then its image is in use. One thread tries again until
it is gone; what a killed controller leaves, ``reap`` removes.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

_TRY_SECONDS = 60.0
_AGAIN_SECONDS = 0.1


class Leavings:
    """Removes images; one for each connection.

    Args:
        remove: removes an image; whether it is gone.
    """

    def __init__(self, remove: Callable[[str], bool]) -> None:
        self._remove = remove
        self._owner = os.getpid()
        self._names: dict[str, float] = {}
        self._idle = threading.Condition()
        self._running = False

    def add(self, name: str) -> None:
        """Nobody uses this image any more."""
        if os.getpid() != self._owner:
            return
        with self._idle:
            self._names[name] = time.monotonic() + _TRY_SECONDS
            if not self._running:
                self._running = True
                threading.Thread(target=self._work, name="r2egym-leavings", daemon=True).start()

    def keep(self, name: str) -> None:
        """Somebody uses it again."""
        with self._idle:
            self._names.pop(name, None)

    def _work(self) -> None:
        while True:
            with self._idle:
                if not self._names:
                    self._running = False
                    self._idle.notify_all()
                    return
                names = dict(self._names)
            for name, until in names.items():
                with self._idle:
                    wanted = name in self._names
                if wanted and (self._remove(name) or time.monotonic() > until):
                    self.keep(name)
            time.sleep(_AGAIN_SECONDS)

    def wait(self, seconds: float = _TRY_SECONDS) -> bool:
        """Wait until all are removed; whether they are."""
        if os.getpid() != self._owner:
            return True
        with self._idle:
            return self._idle.wait_for(lambda: not self._running, seconds)
