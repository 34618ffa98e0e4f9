"""Saved states of sandboxes, shared by all that start from them and freed by the last."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, Self, TypeVar

from r2egym.errors import UsageError
from r2egym.sandboxes._registry import forget, keep
from r2egym.sandboxes._trees import TreeCopy
from r2egym.sandboxes._workspace import new_workspace
from r2egym.sandboxes.base import Snapshot

_DEEPEST = 4
"""Saved states that may lie on each other before they are melted into one: an overlay takes only so many folders."""


class State(Protocol):
    """What a sandbox starts from, beside its configuration."""

    def hold(self) -> Self:
        """One more user."""
        ...

    def release(self) -> None:
        """One user less; the last one frees it."""
        ...


S = TypeVar("S", bound=State)


class Counted:
    """Something that is freed when nobody uses it any more.

    Args:
        free: frees it.
    """

    def __init__(self, free: Callable[[], None]) -> None:
        self._free = free
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
            self._free()


@dataclass(frozen=True)
class Saved:
    """The folders of one saved state."""

    folders: Mapping[str, Path]
    users: Counted


@dataclass(frozen=True)
class Stack:
    """Copies of what was written, on each other, topmost first."""

    parts: tuple[Saved, ...] = ()

    def hold(self) -> Stack:
        """One more user of each."""
        for part in self.parts:
            part.users.hold()
        return self

    def release(self) -> None:
        """One user less."""
        for part in self.parts:
            part.users.release()

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
        return Stack((Saved(folders, Counted(workspace.remove)), *(() if melt else self.parts)))


class SavedState(Generic[S]):
    """A saved state: files, and each session's working directory, variables and functions; not running processes."""

    def __init__(self, state: S, sessions: Mapping[int, str]) -> None:
        self.id = os.urandom(6).hex()
        self.state = state
        state.hold()
        self.sessions = dict(sessions)
        self._discarded = False
        keep(self, self.discard)

    def discard(self) -> None:
        """Free what it holds, as soon as no sandbox rests on it; twice is safe."""
        if not self._discarded:
            self._discarded = True
            self.state.release()
            forget(self)

    def must_be_there(self) -> None:
        """Raise UsageError when it was discarded."""
        if self._discarded:
            raise UsageError(f"snapshot {self.id} was discarded")


def ours(snapshot: Snapshot, kind: type[S]) -> SavedState[S]:
    """A snapshot of a backend with that kind of state that was not discarded; raises UsageError for another."""
    if not isinstance(snapshot, SavedState) or not isinstance(snapshot.state, kind):
        raise UsageError("a snapshot of another backend")
    snapshot.must_be_there()
    return snapshot
