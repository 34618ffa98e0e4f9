"""What the editor remembers so that an edit can be taken back.

One memory belongs to one attempt. It is plain JSON, so that it can be saved beside a snapshot and copied for a fork, and
bounded in bytes: the oldest edits are forgotten first, and a file whose edit was forgotten cannot be taken back further.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable

from r2egym.records import Record

MEMORY_BYTES = 16 << 20
"""Default bound of all remembered states together."""


class Edit(Record):
    """A file as it was before an edit, and how to know the one it became."""

    path: str
    """Absolute, without ``.`` and ``..``."""
    before: str | None
    """Base64 of its bytes; None: there was no file."""
    after: str
    """Hex SHA-256 of the bytes that the edit wrote."""
    mode: int = 0o644

    @property
    def content(self) -> bytes | None:
        """Its bytes before the edit."""
        return None if self.before is None else base64.b64decode(self.before)


class Memory:
    """Edits, oldest first.

    Args:
        edits: what to begin with.
        limit: most bytes of remembered states.
    """

    def __init__(self, edits: Iterable[Edit] = (), limit: int = MEMORY_BYTES) -> None:
        self.edits = list(edits)
        self.limit = limit
        self._forget()

    def remember(self, path: str, before: bytes | None, after: str, mode: int) -> None:
        """Add an edit; what is over the bound is forgotten, oldest first."""
        coded = None if before is None else base64.b64encode(before).decode("ascii")
        self.edits.append(Edit(path=path, before=coded, after=after, mode=mode))
        self._forget()

    def last(self, path: str) -> Edit | None:
        """The newest edit of a file."""
        return next((edit for edit in reversed(self.edits) if edit.path == path), None)

    def drop(self, edit: Edit) -> None:
        """Forget an edit that was taken back."""
        for index in range(len(self.edits) - 1, -1, -1):
            if self.edits[index] is edit:
                del self.edits[index]
                return

    def copy(self) -> Memory:
        """The same history for a fork; the two go apart from here."""
        return Memory(self.edits, self.limit)

    def dump(self) -> list[dict[str, str | int | None]]:
        """As plain JSON."""
        return [edit.model_dump(mode="json") for edit in self.edits]

    @classmethod
    def load(cls, data: Iterable[object], limit: int = MEMORY_BYTES) -> Memory:
        """What :meth:`dump` said."""
        return cls((Edit.model_validate(item) for item in data), limit)

    def _forget(self) -> None:
        size = 0
        for index in range(len(self.edits) - 1, -1, -1):
            size += len(self.edits[index].before or "")
            if size > self.limit:
                del self.edits[: index + 1]
                return
