"""Saved states of sandboxes: copies of what was written, shared by all that start from them."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from r2egym.errors import UsageError
from r2egym.sandboxes._registry import forget, keep
from r2egym.sandboxes._trees import TreeCopy
from r2egym.sandboxes._workspace import Workspace, new_workspace
from r2egym.sandboxes.base import Snapshot

_DEEPEST = 4
"""Saved states that may lie on each other before they are melted into one: an overlay takes only so many folders."""


class Saved:
    """The folders of one saved state, counted by their users; the last one removes them."""

    def __init__(self, workspace: Workspace, folders: dict[str, Path]) -> None:
        self.folders = folders
        self._workspace = workspace
        self._users = 0
        self._lock = threading.Lock()
        self._owner = os.getpid()

    def hold(self) -> None:
        """One more user."""
        with self._lock:
            self._users += 1

    def release(self) -> None:
        """One user less."""
        with self._lock:
            self._users -= 1
            last = self._users == 0
        if last and os.getpid() == self._owner:
            self._workspace.remove()


@dataclass(frozen=True)
class Stack:
    """Saved states on each other, topmost first."""

    parts: tuple[Saved, ...] = ()

    def hold(self) -> Stack:
        """One more user of each."""
        for part in self.parts:
            part.hold()
        return self

    def release(self) -> None:
        """One user less."""
        for part in self.parts:
            part.release()

    def folders(self) -> dict[str, list[Path]]:
        """By target, the folders to mount, topmost first."""
        found: dict[str, list[Path]] = {}
        for part in self.parts:
            for target, folder in part.folders.items():
                found.setdefault(target, []).append(folder)
        return found

    def grown(self, home: Path, uppers: dict[str, Path]) -> Stack:
        """This stack with a copy of what was written on top; not yet held by anyone.

        Costs what was written since the state below; every few states the whole stack is copied into one.
        """
        workspace = new_workspace(home)
        melt = len(self.parts) + 1 > _DEEPEST
        below = self.folders() if melt else {}
        folders: dict[str, Path] = {}
        try:
            for number, (target, upper) in enumerate(uppers.items()):
                folders[target] = workspace.path / str(number)
                for source in (*reversed(below.get(target, [])), upper):
                    TreeCopy(overlay=True).run(source, folders[target])
        except BaseException:
            workspace.remove()
            raise
        return Stack((Saved(workspace, folders), *(() if melt else self.parts)))


class BubblewrapSnapshot:
    """A saved state: files, and each session's working directory, variables and functions; not running processes."""

    def __init__(self, stack: Stack, sessions: Mapping[int, str]) -> None:
        self.id = os.urandom(6).hex()
        self.stack = stack.hold()
        self.sessions = dict(sessions)
        self._discarded = False
        keep(self, self.discard)

    def discard(self) -> None:
        """Free what it holds, as soon as no sandbox rests on it; twice is safe."""
        if not self._discarded:
            self._discarded = True
            self.stack.release()
            forget(self)

    def must_be_there(self) -> None:
        """Raise UsageError when it was discarded."""
        if self._discarded:
            raise UsageError(f"snapshot {self.id} was discarded")


def ours(snapshot: Snapshot) -> BubblewrapSnapshot:
    """A snapshot of this backend that was not discarded; raises UsageError for another."""
    if not isinstance(snapshot, BubblewrapSnapshot):
        raise UsageError("a snapshot of another backend")
    snapshot.must_be_there()
    return snapshot
