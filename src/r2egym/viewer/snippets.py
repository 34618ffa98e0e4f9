"""Where in an attempt the words of a search stand: the first step that has one, and the line around it."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from r2egym.viewer.attempts import arguments_of, text_of
from r2egym.viewer.catalogue import OpenRun
from r2egym.viewer.highlight import marked, pattern_of
from r2egym.viewer.query import Query
from r2egym.viewer.text import one_line

_LONGEST = 1 << 20
"""Bytes of a line that is read for this."""
_AROUND = 70
"""Characters on either side."""


@dataclass(frozen=True, slots=True)
class Snippet:
    """Words in their place."""

    step: int
    """From 1."""
    text: Markup


def snippets(run: OpenRun, rows: Sequence[sqlite3.Row], query: Query) -> dict[int, Snippet]:
    """By the number of a row in the index; those whose words stand elsewhere than in steps have none."""
    if not query.words:
        return {}
    found = {row["id"]: _snippet(run, row, query.words) for row in rows if row["length"] <= _LONGEST}
    return {number: snippet for number, snippet in found.items() if snippet}


def _snippet(run: OpenRun, row: sqlite3.Row, words: tuple[str, ...]) -> Snippet | None:
    attempt, wanted = run.attempt(row), pattern_of(words)
    if attempt is None or wanted is None:
        return None
    for turn in attempt.turns:
        given = arguments_of(turn)
        call = " ".join((turn.tool, *map(text_of, given.values()))) if given else turn.action
        for text in (turn.thought, call, turn.observation):
            if place := wanted.search(text):
                begin, end = max(place.start() - _AROUND, 0), place.end() + _AROUND
                before, after = "\u2026" if begin else "", "\u2026" if end < len(text) else ""
                line = before + one_line(text[begin:end], 4 * _AROUND) + after
                return Snippet(turn.number, marked(line, words))
    return None
