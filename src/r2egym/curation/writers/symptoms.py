"""A failing test's message, read as a sentence about the program: what happens now, and what should.

It understands what pytest and unittest print of exceptions, comparisons and missing exceptions. A message that says
nothing about the program by itself (``assert False``) gives nothing.
"""

from __future__ import annotations

import re

from r2egym.curation.evidence import TestFailure
from r2egym.records import Record

_LONGEST = 240
_MARK = re.compile(r"^E(?: {2,}|$)", re.MULTILINE)
_RAISED = re.compile(
    r"^(?:[\w.]+\.)?([A-Z]\w*(?:Error|Exception|Warning|Exit|Interrupt|Iteration|Failure|Timeout))(?:: (.*))?$"
)
_NO_RAISE = re.compile(
    r"DID NOT RAISE (?:any of )?\(?<class '(?:[\w.]+\.)?(\w+)'>|^(\w+) not raised(?: by \w+)?$"
)
_WHERE = re.compile(r"^\s*\+\s+where (.*)$")
_ASSERT = re.compile(r"^(?:AssertionError: )?assert (.*)$")
_DIFFER = re.compile(r"^AssertionError: (.+) != (.+?)(?: : .*)?$")
_COMPARED = re.compile(r"^(.+?) (==|!=|is not|is|not in|in|<=|>=|<|>) (.+)$")
_PLACE = re.compile(r" \((?:/|unknown location)[^)]*\)$")
_SCOPE = re.compile(r"\b(?:\w+\.)*\w+\.<locals>\.")
_PART = re.compile(r"^At index (\d+) diff: (.+) != (.+)$")
_MISSING = ("ImportError", "ModuleNotFoundError", "AttributeError", "NameError")


class Symptom(Record):
    """One way in which the program is wrong."""

    now: str
    """A sentence."""
    expected: str = ""
    """A sentence; empty when the message does not tell."""
    weight: int = 1
    """How much it says: 0 little, 1 an exception, 2 a call with its result."""


def read_symptom(failure: TestFailure, new: frozenset[str] = frozenset()) -> Symptom | None:
    """What the failure says of the program, or None.

    Args:
        failure: how a test fails.
        new: names that the fix brings; only of these can it be said that they should be there.
    """
    lines = _lines(failure.message)
    if not lines:
        return None
    first = lines[0]
    return _missing_exception(lines) or _comparison(first, lines[1:]) or _exception(lines, new)


def _lines(message: str) -> list[str]:
    """The lines that tell what went wrong: those that pytest marks with E, or all; without the scopes of tests."""
    message = _SCOPE.sub("", message)
    marked = [line[1:].strip() for line in message.splitlines() if _MARK.match(line)]
    return [line for line in (marked or [line.strip() for line in message.splitlines()]) if line]


def _missing_exception(lines: list[str]) -> Symptom | None:
    text = lines[0].removeprefix("Failed: ").removeprefix("AssertionError: ")
    match = _NO_RAISE.search(text)
    if match is None:
        return None
    name = match[1] or match[2]
    return Symptom(
        now=f"No `{name}` is raised where one is due.", expected=f"A `{name}` is raised.", weight=0
    )


def _comparison(first: str, rest: list[str]) -> Symptom | None:
    match = _DIFFER.match(first)
    if match:
        left, right = _code(match[1]), _code(match[2])
        return Symptom(now=f"{left} and {right} differ.", expected="They are equal.", weight=0)
    match = _ASSERT.match(first)
    if match is None:
        return None
    asserted = match[1]
    calls = dict(_wheres(rest))
    negated = asserted.removeprefix("not ")
    if negated in calls:
        truth = "false" if asserted != negated else "true"
        call = _code(calls[negated])
        return Symptom(now=f"{call} gives {_code(negated)}.", expected=f"{call} is {truth}.", weight=2)
    compared = _COMPARED.match(asserted)
    if compared is None or asserted != negated:
        return None
    left, operator, right = compared.groups()
    return _compare(left, operator, right, calls, rest)


def _differ(left: str, right: str, rest: list[str]) -> Symptom:
    """Two values; of long ones that pytest has cut, the first place at which they differ."""
    for line in rest:
        part = _PART.match(line)
        if part and "..." in left + right:
            now = f"At index {part[1]}, {_code(part[2])} and {_code(part[3])} differ."
            return Symptom(now=now, expected="They are equal.", weight=0)
    return Symptom(now=f"{_code(left)} and {_code(right)} differ.", expected="They are equal.", weight=0)


def _compare(left: str, operator: str, right: str, calls: dict[str, str], rest: list[str]) -> Symptom | None:
    if operator == "==" and left in calls:
        call = _code(calls[left])
        return Symptom(now=f"{call} gives {_code(left)}.", expected=f"{call} gives {_code(right)}.", weight=2)
    if operator == "==":
        return _differ(left, right, rest)
    if operator in {"is", "is not"} and not calls.keys() & {left, right}:
        return None  # two values that look alike: which objects they are, values do not tell
    claim = _code(f"{calls.get(left, left)} {operator} {calls.get(right, right)}")
    return Symptom(now=f"{claim} does not hold.", expected=f"{claim} holds.", weight=1)


def _wheres(lines: list[str]) -> list[tuple[str, str]]:
    """``value → call`` pairs of pytest's ``+  where`` lines that a reader can make sense of."""
    pairs = []
    for line in lines:
        match = _WHERE.match(line)
        value, found, call = match[1].partition(" = ") if match else ("", "", "")
        if found and "<" not in call and "(" in call:
            pairs.append((value, call))
    return pairs


def _exception(lines: list[str], new: frozenset[str]) -> Symptom | None:
    for line in lines:
        match = _RAISED.match(line)
        if match is None or match[1] in {"AssertionError", "Failure"}:
            continue
        name, detail = match[1], _PLACE.sub("", (match[2] or "").strip())
        if name == "TestTimeout":
            return Symptom(now="It does not come back.", expected="It comes back.")
        said = f"`{name}` is raised" + (f": {_code(detail)}." if detail else ".")
        expected = (_provided(detail, new) if name in _MISSING else "") or f"No `{name}` is raised."
        return Symptom(now=said, expected=expected)
    return None


def _provided(detail: str, new: frozenset[str]) -> str:
    """What should be there, said of names that the fix brings; empty for others."""
    match = re.search(r"cannot import name '(\w+)' from '([\w.]+)'", detail)
    if match and match[1] in new:
        return f"`{match[1]}` can be imported from `{match[2]}`."
    match = re.search(r"No module named '([\w.]+)'", detail)
    if match and match[1].rsplit(".", 1)[-1] in new:
        return f"There is a module `{match[1]}`."
    match = re.search(r"'?([\w.]+)'? (?:object )?has no attribute '(\w+)'", detail)
    if match and match[2] in new:
        return f"`{match[1]}` has an attribute `{match[2]}`."
    return ""


def _code(text: str) -> str:
    """Text as Markdown code on one line, cut to a readable length."""
    line = " ".join(text.split())
    if len(line) > _LONGEST:
        line = f"{line[: _LONGEST // 2]} … {line[-_LONGEST // 2 :]}"
    fence = "``" if "`" in line else "`"
    space = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{space}{line}{space}{fence}"
