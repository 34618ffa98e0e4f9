"""The search language, asked of a real index."""

from __future__ import annotations

import dataclasses
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from r2egym.viewer import Catalogue, schema
from r2egym.viewer.query import SORTS, parse_query
from r2egym.viewer.searching import WordSearch


def hits(catalogue: Catalogue, text: str, sort: str = "task") -> list[tuple[str, int]]:
    """Task and number of what is found, in order."""
    deadline = time.monotonic() + 60
    while True:
        _, found = catalogue.search(text, [], sort)
        if all(answer.whole for _, answer in found):
            return [
                (row["task"], row["attempt"]) for run, answer in found for row in run.rows(answer.numbers)
            ]
        assert time.monotonic() < deadline


COUNTS = [
    ("", 12),
    ("reward:1", 3),
    ("reward:0", 6),
    ("reward:none", 3),
    ("-reward:none", 9),
    ("status:tampered", 3),
    ("-status:passed", 9),
    ("exit:token_limit", 3),
    ("failure:sandbox", 3),
    ("why:unsolved", 3),
    ("repo:larder", 12),
    ("repo:jam", 0),
    ("task:larder__000000000001", 4),
    ("task:larder__0", 12),
    ("-task:larder__000000000001", 8),
    ("tool:search", 12),
    ("-tool:search", 0),
    ("tool:nothing", 0),
    ("steps:>3", 12),
    ("steps:>4", 0),
    ("steps:1..4 attempt:2", 3),
    ("tokens:>=4200 cost:0.25", 12),
    ("agent:edit model:a-model", 12),
    ("Thought", 12),
    ('"Thought 2"', 12),
    ('"2 Thought 1"', 0),
    ("thou*", 12),
    ("thou", 0),
    ("thought:output", 0),
    ("observation:output", 12),
    ("command:pytest", 12),
    ("-command:pytest", 0),
    ("round", 9),
    ("disk", 3),
    ("disk -status:masked", 0),
    ("status:failed exit:token_limit Thought round", 3),
    ("larder/units.py", 12),
    ("KeyError:'x'", 0),
    ("no such words anywhere", 0),
]


@pytest.mark.parametrize(("text", "count"), COUNTS, ids=[text or "nothing" for text, _ in COUNTS])
def test_searches(catalogue: Catalogue, text: str, count: int) -> None:
    """Filters and words, alone and together, find what they say."""
    assert len(hits(catalogue, text)) == count
    assert parse_query(text).problems == ()


@pytest.mark.parametrize("text", ["steps:many", "reward:", "tokens:1...2", "-->", "cost:>"])
def test_what_is_not_understood_is_told(text: str) -> None:
    """One line, and the rest of the search is done."""
    assert parse_query(f"{text} Thought").problems or ":" in text
    assert parse_query(f"{text} Thought").words[-1:] == ("Thought",)


BITS = [
    '"',
    "-",
    ":",
    "*",
    "task",
    "NOT",
    "OR",
    "(",
    "^",
    "a",
    " ",
    "steps",
    ">",
    "NEAR(",
    "\0",
    "{",
    "thought:",
]


@pytest.fixture(scope="module")
def database() -> Iterator[sqlite3.Connection]:
    """An index of nothing."""
    with closing(sqlite3.connect(":memory:")) as made:
        schema.create(made)
        yield made


@settings(max_examples=60)
@given(text=st.text(max_size=60) | st.lists(st.sampled_from(BITS), max_size=12).map("".join))
def test_no_search_breaks(database: sqlite3.Connection, text: str) -> None:
    """Whatever is typed, SQLite gets a statement that it understands."""
    statement, values = parse_query(text).sql("id", SORTS["task"])
    assert database.execute(statement, values).fetchall() == []


def test_orders(catalogue: Catalogue) -> None:
    """Lists come by task and attempt, or as asked for; equal ones in the order of the file."""
    by_task = hits(catalogue, "")
    assert by_task == sorted(by_task)
    assert hits(catalogue, "", "newest") == by_task[::-1]
    assert set(SORTS) >= {"steps", "tokens", "seconds", "cost"}
    assert all(sorted(hits(catalogue, "", sort)) == by_task for sort in SORTS)
    assert hits(catalogue, "", "no such order") == by_task


def test_what_is_found_soon_is_shown_soon(catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch):
    """A search that takes long gives what it has, in order, and goes on; asked again it is not begun again."""
    (run,) = catalogue.runs.values()
    whole = hits(catalogue, "Thought")
    paused, go, looks = threading.Event(), threading.Event(), []

    class Slow(WordSearch):
        def _look_up(self, database: sqlite3.Connection, words: str, into: set[int]) -> None:
            if not words:
                return
            looks.append(words)
            found: set[int] = set()
            super()._look_up(database, words, found)
            into.update(sorted(found)[:5])
            paused.set()
            assert go.wait(60)
            into.update(found)

    monkeypatch.setattr("r2egym.viewer.catalogue.WordSearch", Slow)
    query = parse_query("Thought attempt:>0")
    query = dataclasses.replace(query, match=f"{query.match} AND {query.match}")  # not looked up before
    run.find(query)
    assert paused.wait(60)
    found, ended = run.find(query)
    assert not ended
    assert 0 < len(found) < len(whole)
    assert [(row["task"], row["attempt"]) for row in run.rows(found)] == sorted(
        (row["task"], row["attempt"]) for row in run.rows(range(1, 6)) if row["attempt"] > 0
    )
    go.set()
    deadline = time.monotonic() + 60
    while not (answer := run.find(query)).whole:
        assert time.monotonic() < deadline
    assert len(answer.numbers) == len(hits(catalogue, "Thought attempt:>0")) > len(found)
    assert len(looks) == 1
