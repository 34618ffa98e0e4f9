"""From a line of a file to rows of its index."""

from __future__ import annotations

import sqlite3
from collections import Counter

from r2egym.viewer.attempts import Attempt, DamagedLineError, read_attempt
from r2egym.viewer.lines import LONGEST, Line
from r2egym.viewer.reasons import why
from r2egym.viewer.text import one_line

_WORDS_OF_A_PART = 200_000
"""Characters of one thought, call or observation that search knows."""


def add_line(database: sqlite3.Connection, line: Line) -> bool:
    """Take a line down; False: it is not whole yet."""
    where = (line.number, line.place, line.length, line.crc)
    if line.data is None:
        if not line.ended:
            return False
        _damaged(database, where, f"{line.length:,} bytes long, and at most {LONGEST:,} are read")
        return True
    if not line.data.strip():
        return line.ended
    try:
        attempt = read_attempt(line.data)
    except DamagedLineError as error:
        if not line.ended:
            return False
        _damaged(database, where, str(error))
        return True
    _insert(database, where, attempt)
    return True


def _damaged(database: sqlite3.Connection, where: tuple[int, ...], text: str) -> None:
    text = one_line(text, 300)
    database.execute(
        "INSERT INTO attempts VALUES (NULL, ?, ?, ?, ?, ?, '', '', 0, '', 'damaged', NULL, 'damaged', ?, '', '', '', '', 0,"
        " NULL, NULL, 0, '')",
        (*where, text, text),
    )


def _insert(database: sqlite3.Connection, where: tuple[int, ...], attempt: Attempt) -> None:
    number = attempt.attempt
    if number is None:  # published lines do not tell: those of one task count up
        asked = "SELECT count(*) FROM attempts WHERE task = ?"
        number = database.execute(asked, (attempt.task,)).fetchone()[0]
    reason = why(attempt)
    cursor = database.execute(
        "INSERT INTO attempts VALUES (NULL, ?, ?, ?, ?, NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *where, attempt.task, attempt.repo, number, attempt.identity, attempt.status, attempt.reward, reason.code,
            one_line(reason.text), attempt.exit_reason, attempt.boundary, attempt.agent, attempt.model,
            len(attempt.turns), attempt.tokens, attempt.cost, attempt.seconds, one_line(title_of(attempt.statement), 120),
        ),
    )  # fmt: skip
    calls = Counter(turn.tool for turn in attempt.turns if turn.tool)
    rows = [(tool, cursor.lastrowid, count) for tool, count in calls.items()]
    database.executemany("INSERT INTO tools VALUES (?, ?, ?)", rows)


def title_of(statement: str) -> str:
    """The first line of a statement that says something."""
    lines = (line.strip("#* \t") for line in statement.replace("[ISSUE]", "\n")[:4_000].splitlines())
    return next((line for line in lines if line and not line.startswith("<")), "")


def words_of(attempt: Attempt) -> tuple[str, str, str, str]:
    """Thoughts, calls, observations, and all else that search knows of an attempt."""
    turns, most = attempt.turns, _WORDS_OF_A_PART
    return (
        "\n".join(turn.thought[:most] for turn in turns),
        "\n".join(turn.action[:most] for turn in turns),
        "\n".join(turn.observation[:most] for turn in turns),
        "\n".join(text[:most] for text in (attempt.statement, attempt.patch, attempt.note, attempt.cause)),
    )
