"""The index beside a file of trajectories: built step by step, by byte offsets, while others read it.

Two cursors run along the file. The first makes a row of every line, so that lists and counts are complete soon; the second
follows and takes down the words, for full-text search. Each :meth:`Index.refresh` moves them a little, in one transaction, so
any number of processes may share the work, and one that is killed costs its last little.

Before a file that changed is read on, its first line and the last indexed one must be what they were (by checksum). When lines
were cut off at the end, as a resumed run does, their rows go; when anything else changed, the index is built anew.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from r2egym.errors import UsageError
from r2egym.viewer import schema
from r2egym.viewer.attempts import DamagedLineError, read_attempt, read_json, text_of, whole_of
from r2egym.viewer.lines import checksum, ends_late, read_line, read_lines, whole_file
from r2egym.viewer.rows import add_line, words_of
from r2egym.viewer.sources import RunSource
from r2egym.viewer.text import sound

_BATCH_BYTES = 8 << 20
"""Read at once for rows."""
_WORDS_BYTES = 32 << 20
"""Read at once for words: the larger, the less is merged later."""
_BATCH_SECONDS = 0.5
_WORDS_SECONDS = 4.0
_VERDICT = 64 << 10


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an index is."""

    bytes: int
    """Of the file."""
    rows: int
    """Bytes of which lists know."""
    words: int
    """Bytes of which search knows."""
    searchable: bool
    """Whether this machine's SQLite can search for words."""
    done: bool
    """Whether there is nothing left to read, but for a torn last line."""

    @property
    def torn(self) -> int:
        """Bytes of a last line that is not whole, once all else is read."""
        return self.bytes - self.rows if self.done else 0

    @property
    def share(self) -> float:
        """From 0 to 1, both cursors together."""
        whole = self.bytes * (2 if self.searchable else 1)
        return min((self.rows + self.words) / whole, 1.0) if whole else 1.0


class Index:
    """The index of a run. Safe for threads and processes.

    Args:
        source: the run.
        home: where the index goes when the run's folder cannot be written.

    Raises:
        UsageError: the index can be written nowhere.
    """

    def __init__(self, source: RunSource, home: Path) -> None:
        self.source = source
        self.path = source.index_path(home)
        self._immutable = False
        beside = source.index_beside
        if self.path != beside and not beside.is_symlink() and beside.is_file() and self._serves(beside):
            self.path, self._immutable = beside, True
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._prepare()
        except (OSError, sqlite3.Error) as error:
            raise UsageError(f"{self.path}: the index cannot be written ({error}); set R2EGYM_HOME") from None

    def _prepare(self) -> None:
        try:
            self._make_tables()
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise
            for end in ("", "-wal", "-shm"):  # not a database: what is damaged is made again
                Path(f"{self.path}{end}").unlink(missing_ok=True)
            self._make_tables()

    def _make_tables(self) -> None:
        with closing(schema.connect(str(self.path))) as database:
            schema.write_ahead(database)
            with _transaction(database):
                if _version(database) != schema.VERSION:
                    schema.drop(database)
                    schema.create(database)

    def _serves(self, path: Path) -> bool:
        """Whether an index that cannot be written is whole, and up to date."""
        try:
            with closing(schema.connect(str(path), immutable=True)) as database:
                if _version(database) != schema.VERSION:
                    return False
                state, found = _state(database), _stat(self.source.path)
                same = int(state.get("rows", -1)) == found.st_size and self._head_and_tail(database) == "same"
                return same and int(state.get("words", -1)) == found.st_size
        except sqlite3.Error:
            return False

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection to ask."""
        with closing(schema.connect(str(self.path), immutable=self._immutable, read_only=True)) as database:
            yield database

    def progress(self) -> Progress:
        """How far it is."""
        with self.reading() as database:
            return self._progress(database)

    def _progress(self, database: sqlite3.Connection) -> Progress:
        state = _state(database)
        size = _stat(self.source.path).st_size
        rows, words = int(state.get("rows", 0)), int(state.get("words", 0))
        done = self._immutable or self._is_current(database)
        return Progress(size, rows, words, schema.has_words(database), done)

    def generation(self) -> tuple[str, ...]:
        """Changes whenever the answer to any question might."""
        with self.reading() as database:
            state = _state(database)
        return tuple(str(state.get(name, "")) for name in ("built", "rows", "words", "verdicts"))

    # --- building ---------------------------------------------------------------------------------------------------

    def build(self) -> None:
        """Read all there is."""
        while self.refresh():
            pass

    def refresh(self) -> bool:
        """Read on for a moment. Returns whether there is more to read at once.

        Raises:
            OSError: the file cannot be read, or the disk is full.
        """
        if self._immutable:
            return False
        with closing(schema.connect(str(self.path))) as database:
            database.execute("PRAGMA synchronous = OFF")  # what is lost is made again
            if self._is_current(database):
                return False
            with _transaction(database):
                return self._advance(database)

    def _is_current(self, database: sqlite3.Connection) -> bool:
        """Whether nothing has changed since the last look; asks without taking the lock."""
        state = _state(database)
        return state.get("seen") == self._look() and not state.get("more")

    def _look(self) -> str:
        paths = [self.source.path, *([self.source.verdicts] if self.source.verdicts else [])]
        found = [_stat(path) for path in paths]
        return " ".join(f"{one.st_ino}:{one.st_size}:{one.st_mtime_ns}" for one in found)

    def _advance(self, database: sqlite3.Connection) -> bool:
        seen, state = self._look(), _state(database)
        if state.get("seen") != seen:
            self._reconcile(database)
        if self.source.verdicts:
            self._read_verdicts(database, self.source.verdicts)
        more = self._add_rows(database)
        if not more and schema.has_words(database):
            more = self._add_words(database)
        _set(database, seen=seen, more=int(more))
        return more

    def _reconcile(self, database: sqlite3.Connection) -> None:
        """Bring rows of lines that are there no more in order."""
        state, size = _state(database), _stat(self.source.path).st_size
        what = self._head_and_tail(database)
        if what == "same" and size == int(state.get("rows", 0)) and state.get("seen"):
            what = "same" if self._all_same(database) else "other"
        if what == "other" or (self.source.is_one and state.get("seen")):
            schema.drop(database)
            schema.create(database)
            _set(database, built=time.time_ns())
        elif what == "cut":
            last = database.execute(
                "SELECT max(line), max(place + length) FROM attempts WHERE place + length <= ?", (size,)
            ).fetchone()
            database.execute(
                "DELETE FROM tools WHERE id IN (SELECT id FROM attempts WHERE line > ?)", (last[0],)
            )
            database.execute("DELETE FROM attempts WHERE line > ?", (last[0],))
            rows = min(last[1] + 1, size)
            _set(database, built=time.time_ns(), rows=rows, line=last[0] + 1)
            _set(database, words=min(int(state.get("words", 0)), rows))

    def _head_and_tail(self, database: sqlite3.Connection) -> str:
        """``same``, ``cut`` (whole lines are missing at the end) or ``other``."""
        size = _stat(self.source.path).st_size
        ends = "SELECT place, length, crc FROM attempts WHERE place + length <= ? ORDER BY id"
        picked = [
            database.execute(f"{ends} {order} LIMIT 1", (size,)).fetchone() for order in ("ASC", "DESC")
        ]
        count = database.execute("SELECT count(*) FROM attempts").fetchone()[0]
        if None in picked:
            return "other" if count else "same"
        if any(checksum(self.source.path, place, length) != crc for place, length, crc in picked):
            return "other"
        return "cut" if int(_state(database).get("rows", 0)) > size else "same"

    def _all_same(self, database: sqlite3.Connection) -> bool:
        """Whether every line is what it was, for a file that was touched and has kept its length."""
        rows = database.execute("SELECT place, length, crc FROM attempts ORDER BY id")
        return all(checksum(self.source.path, place, length) == crc for place, length, crc in rows)

    def _add_rows(self, database: sqlite3.Connection) -> bool:
        state = _state(database)
        place, number = int(state.get("rows", 0)), int(state.get("line", 1))
        start, began, more = place, time.monotonic(), False
        if not self.source.path.is_file():
            return False
        if self.source.is_one:
            if number == 1 and add_line(database, line := whole_file(self.source.path)):
                _set(database, rows=line.length, line=2)
            return False
        if ends_late(
            self.source.path, place
        ):  # a last line without newline was taken, and goes on to have one
            place += 1
        for line in read_lines(self.source.path, place, number):
            if place - start >= _BATCH_BYTES or time.monotonic() - began > _BATCH_SECONDS:
                more = True
                break
            if not add_line(database, line):
                break
            place, number = line.end, line.number + 1
        _set(database, rows=place, line=number)
        return more

    def _add_words(self, database: sqlite3.Connection) -> bool:
        upto, rows = int(_state(database).get("words", 0)), int(_state(database).get("rows", 0))
        began, read = time.monotonic(), 0
        found = database.execute(
            "SELECT id, place, length FROM attempts WHERE place >= ? AND damage IS NULL ORDER BY id", (upto,)
        )
        for number, place, length in found:
            if read >= _WORDS_BYTES or time.monotonic() - began > _WORDS_SECONDS:
                _set(database, words=place)
                return True
            attempt = read_attempt(read_line(self.source.path, place, length))
            database.execute(
                "INSERT INTO words (rowid, thought, command, observation, other) VALUES (?, ?, ?, ?, ?)",
                (number, *words_of(attempt)),
            )
            read += length
        _set(database, words=rows)
        return False

    def _read_verdicts(self, database: sqlite3.Connection, path: Path) -> None:
        """What verifiers said; a later line takes the place of an earlier one."""
        at = int(_state(database).get("verdicts", 0))
        if _stat(path).st_size < at:
            database.execute("DELETE FROM verdicts")
            at = 0
        if not path.is_file():
            return
        for line in read_lines(path, at):
            if not line.ended:
                break
            at = line.end
            with suppress(DamagedLineError):
                value = read_json(line.data or b"")
                if isinstance(value, dict) and line.length <= _VERDICT:
                    key = (
                        text_of(value.get("instance_id")),
                        whole_of(value.get("attempt")) or 0,
                        text_of(value.get("verifier")),
                    )
                    said = sound((line.data or b"").decode("utf-8", "replace"))
                    database.execute(
                        "INSERT OR REPLACE INTO verdicts VALUES (?, ?, ?, ?, ?)", (*key, at, said)
                    )
        _set(database, verdicts=at)


# --- small things -------------------------------------------------------------------------------------------------


@contextmanager
def _transaction(database: sqlite3.Connection) -> Iterator[None]:
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")


def _version(database: sqlite3.Connection) -> str:
    found = database.execute("SELECT 1 FROM sqlite_master WHERE name = 'state'").fetchone()
    return str(_state(database).get("version", "")) if found else ""


def _state(database: sqlite3.Connection) -> dict[str, str | int]:
    return {row[0]: row[1] for row in database.execute("SELECT key, value FROM state")}


def _set(database: sqlite3.Connection, **values: str | int) -> None:
    database.executemany("INSERT OR REPLACE INTO state VALUES (?, ?)", list(values.items()))


_NOTHING = os.stat_result((0,) * 10)


def _stat(path: Path) -> os.stat_result:
    try:
        return path.stat()
    except OSError:
        return _NOTHING
