"""The published rule, for comparison: reward 1 when the whole map of statuses equals the expected one.

Repaired where the published code is at fault: maps of equal size and other keys are unequal rather than an error, two
empty maps score 0, ``XFAIL`` and ``XPASS`` are statuses, a status counts at the beginning of a line only, and names
survive colour codes and `` - ``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Literal

from r2egym.records import TestStatus

_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_LINE = re.compile(r"(PASSED|FAILED|ERROR|SKIPPED|XFAIL|XPASS)\s+(\S.*)")
_WORST = (
    TestStatus.MISSING, TestStatus.ERROR, TestStatus.FAILED, TestStatus.XPASS, TestStatus.XFAIL,
    TestStatus.SKIPPED, TestStatus.PASSED,
)  # fmt: skip


def published_reward(expected: Mapping[str, TestStatus], seen: Mapping[str, TestStatus]) -> Literal[0, 1]:
    """1 when both maps are equal and not empty, else 0."""
    return 1 if expected and dict(expected) == dict(seen) else 0


def published_name(test: str) -> str:
    """A test id as ``expected_output_json`` has it: without its file, ``.`` between class and name."""
    _, separator, rest = test.partition("::")
    if not separator:
        return test
    head, bracket, parameters = rest.partition("[")
    return head.replace("::", ".") + bracket + parameters


def published_statuses(statuses: Mapping[str, TestStatus]) -> dict[str, TestStatus]:
    """A status map under the published names. Of tests that share one, the worst status counts."""
    named: dict[str, TestStatus] = {}
    for test, status in statuses.items():
        name = published_name(test)
        named[name] = min(named.get(name, status), status, key=_WORST.index)
    return dict(sorted(named.items()))


def parse_summary(log: str) -> dict[str, TestStatus]:
    """Test id → status from the short summary that ``pytest -rA`` prints.

    An id ends where `` - `` begins a message: outside brackets, so that parameters may hold it.
    """
    found: dict[str, TestStatus] = {}
    for line in _summary(_COLOUR.sub("", log).splitlines()):
        match = _LINE.match(line)
        if match and "::" in match[2]:
            found[_without_message(match[2])] = TestStatus(match[1])
    return found


def _summary(lines: Iterable[str]) -> list[str]:
    """The lines after the last heading of a short test summary; all lines when there is none."""
    everything = list(lines)
    starts = [i for i, line in enumerate(everything) if re.match(r"=+ short test summary info =+", line)]
    return everything[starts[-1] + 1 :] if starts else everything


def _without_message(text: str) -> str:
    depth = 0
    for place, letter in enumerate(text):
        depth += (letter == "[") - (letter == "]" and depth > 0)
        if depth == 0 and text.startswith(" - ", place):
            return text[:place].rstrip()
    if depth and " - " in text:  # a bracket that never closes is the message's
        return text[: text.index(" - ")].rstrip()
    return text.rstrip()
