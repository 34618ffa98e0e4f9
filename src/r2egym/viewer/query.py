"""The search language: filters (``repo:``, ``reward:``, ``exit:``, …) and words, all of which must hold.

::

    repo:larder reward:0 "cannot import name"      filters, and words in a row
    -status:passed steps:>30 tool:search           not; more than; called
    observation:Traceback conv*                    words of one part; beginnings of words

What cannot be understood is told, and the rest is searched for: a page is shown in any case.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

_TOKEN = re.compile(r'(?P<no>-)?(?:(?P<key>[a-z]+):)?(?:"(?P<quoted>[^"]*)"?|(?P<plain>\S+))')
_RANGE = re.compile(r"(?P<sign>>=|<=|>|<|=)?(?P<low>-?\d+(?:\.\d+)?)(?:\.\.(?P<high>-?\d+(?:\.\d+)?))?")
_WORD = re.compile(r"\w")
_PARTS = {"thought": "thought", "command": "command", "call": "command", "observation": "observation"}
_TEXTS = {
    "repo": "repo", "exit": '"exit"', "status": "status", "why": "why", "agent": "agent", "model": "model",
    "failure": "boundary",
}  # fmt: skip
_NUMBERS = ("reward", "steps", "tokens", "cost", "seconds", "attempt", "line")
SORTS = {
    "task": "task, attempt, id",
    "newest": "id DESC",
    "steps": "steps DESC, id",
    "tokens": "tokens DESC, id",
    "seconds": "seconds DESC, id",
    "cost": "cost DESC, id",
}
"""Orders that lists can have."""
HELP = (
    ("repo:NAME", "of one repository"),
    ("task:ID", "of one task; a beginning will do"),
    ("reward:0, reward:1, reward:none", "by reward; none: there is none"),
    ("status:failed", "passed, failed, tampered, masked or damaged"),
    ("why:empty-patch", "by reason"),
    ("exit:token_limit", "by how it ended"),
    ("failure:sandbox", "by the boundary that failed"),
    ("tool:search", "that called a tool"),
    ("steps:>30, tokens:1000..5000", "by number; also seconds, cost, attempt"),
    ("word, \u201cwords in a row\u201d, begin*", "in thoughts, calls, observations, statement and patch"),
    ("thought:word, command:word, observation:word", "in one part of the steps"),
    ("-anything", "not"),
)
"""What there is, for people."""


@dataclass(frozen=True, slots=True)
class Query:
    """A search, understood."""

    text: str
    """As it was typed."""
    where: tuple[str, ...] = ()
    """Conditions in SQL over ``attempts``, with ``?``."""
    values: tuple[str | float, ...] = ()
    match: str = ""
    """What ``words`` must match; empty: anything."""
    unless: str = ""
    """What they must not match."""
    words: tuple[str, ...] = ()
    """Words to mark on a page; one that ends in ``*`` is a beginning."""
    problems: tuple[str, ...] = ()
    """What was not understood, one line each."""

    @property
    def needs_words(self) -> bool:
        """Whether it asks for text, and so for an index of words."""
        return bool(self.match or self.unless)

    def sql(self, columns: str, order: str) -> tuple[str, tuple[str | float, ...]]:
        """The statement that lists what filters leave, and its values; words are :mod:`~r2egym.viewer.searching`'s."""
        conditions = f" WHERE {' AND '.join(self.where)}" if self.where else ""
        return f"SELECT {columns} FROM attempts{conditions} ORDER BY {order}", self.values  # noqa: S608 - ours


@dataclass(slots=True)
class _Parts:
    where: list[str] = field(default_factory=list)
    values: list[str | float] = field(default_factory=list)
    match: list[str] = field(default_factory=list)
    unless: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def condition(self, sql: str, *values: str | float, no: bool) -> None:
        self.where.append(f"NOT ({sql})" if no else sql)
        self.values.extend(values)


def parse_query(text: str) -> Query:
    """Understand what was typed; never raises."""
    parts = _Parts()
    for token in _TOKEN.finditer(text[:2_000]):
        key, no = token["key"] or "", bool(token["no"])
        value = token["quoted"] if token["quoted"] is not None else token["plain"]
        handler = _handler(key)
        if handler is not None:
            handler(parts, key, value, no)
        else:  # what looks like a filter and is none (``KeyError:'x'``) is text
            _text(parts, "", token[0].removeprefix("-").replace('"', " ") if key else value, no)
    return Query(
        text=text,
        where=tuple(parts.where),
        values=tuple(parts.values),
        match=" AND ".join(parts.match),
        unless=" OR ".join(parts.unless),
        words=tuple(parts.words),
        problems=tuple(parts.problems),
    )


def _handler(key: str) -> Callable[[_Parts, str, str, bool], None] | None:
    if not key or key in _PARTS:
        return _text
    if key in _TEXTS:
        return _equal
    return {**dict.fromkeys(_NUMBERS, _number), "task": _task, "tool": _tool}.get(key)


def _equal(parts: _Parts, key: str, value: str, no: bool) -> None:  # noqa: FBT001
    parts.condition(f"{_TEXTS[key]} = ?", value, no=no)


def _task(parts: _Parts, _key: str, value: str, no: bool) -> None:  # noqa: FBT001
    parts.condition("task >= ? AND task < ?", value, value + "\U0010ffff", no=no)


def _tool(parts: _Parts, _key: str, value: str, no: bool) -> None:  # noqa: FBT001
    parts.condition("id IN (SELECT id FROM tools WHERE tool = ?)", value, no=no)


def _number(parts: _Parts, key: str, value: str, no: bool) -> None:  # noqa: FBT001
    if value == "none":
        parts.condition(f"{key} IS NULL", no=no)
        return
    found = _RANGE.fullmatch(value)
    if found is None:
        parts.problems.append(
            f"{key}: takes a number, as in {key}:3, {key}:>3 or {key}:3..9, and not \u201c{value[:40]}\u201d"
        )
    elif found["high"]:
        parts.condition(f"{key} BETWEEN ? AND ?", float(found["low"]), float(found["high"]), no=no)
    else:
        parts.condition(f"{key} {found['sign'] or '='} ?", float(found["low"]), no=no)


def _text(parts: _Parts, key: str, value: str, no: bool) -> None:  # noqa: FBT001
    if not _WORD.search(value):
        if value.strip():
            parts.problems.append(
                f"\u201c{value[:40]}\u201d has no letter or digit, so it cannot be searched for"
            )
        return
    phrase = (
        '"'
        + value.replace("\0", " ").removesuffix("*").replace('"', '""')
        + '"'
        + (" *" if value.endswith("*") else "")
    )
    column = f"{{{_PARTS[key]}}} : " if key else ""
    (parts.unless if no else parts.match).append(f"{column}{phrase}")
    if not no:
        parts.words.append(value)
