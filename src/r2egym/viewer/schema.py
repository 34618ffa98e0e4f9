"""The index's tables. They hold what lists, counts and filters need; the lines themselves stay where they are."""

from __future__ import annotations

import sqlite3
import time
from urllib.parse import quote

VERSION = "1"
"""An index of another version is built anew."""

_TABLES = """
CREATE TABLE state (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE attempts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    line INTEGER NOT NULL, place INTEGER NOT NULL, length INTEGER NOT NULL, crc INTEGER NOT NULL,
    damage TEXT, task TEXT NOT NULL, repo TEXT NOT NULL, attempt INTEGER NOT NULL, identity TEXT NOT NULL,
    status TEXT NOT NULL, reward REAL, why TEXT NOT NULL, said TEXT NOT NULL, "exit" TEXT NOT NULL,
    boundary TEXT NOT NULL, agent TEXT NOT NULL, model TEXT NOT NULL,
    steps INTEGER NOT NULL, tokens INTEGER, cost REAL, seconds REAL NOT NULL, title TEXT NOT NULL
);
CREATE INDEX attempts_line ON attempts (line);
CREATE INDEX attempts_task ON attempts (task, attempt, id, status, line);
CREATE INDEX attempts_counted ON attempts (status, why, "exit", boundary, repo, reward, steps, tokens, cost, seconds);
CREATE TABLE tools (tool TEXT NOT NULL, id INTEGER NOT NULL, calls INTEGER NOT NULL, PRIMARY KEY (tool, id)) WITHOUT ROWID;
CREATE TABLE verdicts (
    task TEXT NOT NULL, attempt INTEGER NOT NULL, verifier TEXT NOT NULL, line INTEGER NOT NULL, said TEXT NOT NULL,
    PRIMARY KEY (task, attempt, verifier)
) WITHOUT ROWID;
"""

WORDS = (
    "CREATE VIRTUAL TABLE words USING fts5(thought, command, observation, other, content='', columnsize=0)"
)
"""Every word of every attempt; the text itself is not kept a second time."""

_WORDS_IN_MEMORY = 32 << 20
"""Bytes of words that are gathered before they are written."""


_PATIENCE = 30.0
"""Seconds that one waits for another process' lock."""


def connect(path: str, *, immutable: bool = False, read_only: bool = False) -> sqlite3.Connection:
    """A connection for one thread. Rows come as ``sqlite3.Row``."""
    options = "?immutable=1" if immutable else "?mode=ro" if read_only else ""
    database = sqlite3.connect(
        f"file:{quote(path)}{options}", uri=True, timeout=_PATIENCE, isolation_level=None
    )
    database.row_factory = sqlite3.Row
    database.execute("PRAGMA cache_size = -16384")
    return database


def write_ahead(database: sqlite3.Connection) -> None:
    """Let readers read while one writes; kept in the file.

    Where two processes ask at once, SQLite refuses one at once instead of letting it wait (its busy handler could never be
    satisfied there), so the waiting is done here.
    """
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            database.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
            time.sleep(0.02)
        else:
            return


def create(database: sqlite3.Connection) -> None:
    """Make the tables, in the transaction under way."""
    for statement in _TABLES.split(";"):
        if statement.strip():
            database.execute(statement)
    if has_words(database):
        database.execute(WORDS)
        database.execute("INSERT INTO words (words, rank) VALUES ('hashsize', ?)", (_WORDS_IN_MEMORY,))
    database.execute("INSERT INTO state VALUES ('version', ?)", (VERSION,))


def drop(database: sqlite3.Connection) -> None:
    """Remove all tables, in the transaction under way."""
    for name in ("words", "attempts", "tools", "verdicts", "state"):
        database.execute(f"DROP TABLE IF EXISTS {name}")


def has_words(database: sqlite3.Connection) -> bool:
    """Whether this machine's SQLite can search for words."""
    return any(row[0] == "ENABLE_FTS5" for row in database.execute("PRAGMA compile_options"))
