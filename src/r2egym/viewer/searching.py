"""Searches for words that answer in time: what is found soon is shown soon, and the rest is looked for meanwhile.

SQLite gives the attempts that words match in their order in the index, one by one; where a phrase of common words has to be
looked up in a hundred thousand attempts, the last ones come seconds after the first.
"""

from __future__ import annotations

import sqlite3
import threading
from array import array
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import NamedTuple

PATIENCE = 0.2
"""Seconds that a page waits for a search to end."""
_PIECE = 200


class Found(NamedTuple):
    """What a search has found."""

    numbers: array[int]
    """Of the index, in order."""
    whole: bool
    """Whether that is all; else more is being looked for."""


class WordSearch:
    """Attempts by their words, looked up in a thread of its own.

    Args:
        reading: opens a connection to the index.
        match: what words must match; empty: anything.
        unless: what they must not match; it is looked up first, so that nothing is found which must not be.
    """

    def __init__(
        self, reading: Callable[[], AbstractContextManager[sqlite3.Connection]], match: str, unless: str
    ) -> None:
        self._reading = reading
        self._match, self._unless = match, unless
        self._hits: set[int] = set()
        self._unwanted: set[int] = set()
        self._done = threading.Event()
        self._error: sqlite3.Error | None = None
        threading.Thread(target=self._look, daemon=True, name="r2egym-search").start()

    def wait(self, seconds: float) -> bool:
        """Whether it ends within that time. Raises what kept it from ending well."""
        done = self._done.wait(seconds)
        if self._error is not None:
            raise self._error
        return done

    def keep(self, numbers: Iterable[int]) -> array[int]:
        """Those of these attempts that are found by now."""
        if self._match:
            hits = self._hits.copy()
            return array("q", (one for one in numbers if one in hits and one not in self._unwanted))
        if not self._done.is_set():
            return array("q")
        return array("q", (one for one in numbers if one not in self._unwanted))

    def _look(self) -> None:
        try:
            with self._reading() as database:
                self._look_up(database, self._unless, self._unwanted)
                self._look_up(database, self._match, self._hits)
        except sqlite3.Error as error:
            if "words" not in str(error) and "fts5" not in str(
                error
            ):  # else this machine's SQLite knows no words
                self._error = error
        finally:
            self._done.set()

    def _look_up(self, database: sqlite3.Connection, words: str, into: set[int]) -> None:
        if not words:
            return
        cursor = database.execute("SELECT rowid FROM words WHERE words MATCH ?", (words,))
        while piece := cursor.fetchmany(_PIECE):
            into.update(row[0] for row in piece)
