"""Evidence: everything a writer may look at to describe a task, gathered once, free of volatile text."""

from __future__ import annotations

import re

from r2egym.records import Record, TestStatus

TAIL = 1_000
"""Characters of a run's output that a writer sees."""
LONGEST_MESSAGE = 8_000
HALF_MESSAGE = 3_500
"""A longer failure keeps its first and last so many characters."""

_VOLATILE = (
    (re.compile(r"\x1b\[[0-9;:?]*[ -/]*[@-~]|\x1b[@-_]"), ""),
    (re.compile(r"\b0x[0-9a-fA-F]{6,}\b"), "0x…"),
    (re.compile(r"(?<![\w/])/tmp(?:/[\w.+-]+)+"), "/tmp/…"),  # noqa: S108 - text to find, not a folder to use
    (re.compile(r"\b\d+(?:\.\d+)? ?(?:s|ms|seconds?|minutes?)\b(?: \(\d+:\d\d:\d\d\))?"), "… s"),
    (re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?"), "<time>"),
    (re.compile(r"\bpid[ =:]+\d+", re.IGNORECASE), "pid …"),
)


class TestFailure(Record):
    """How one test that the fix mends fails without it."""

    __test__ = False

    test: str
    """Its id. Writers may use it to think, never to print."""
    status: TestStatus
    message: str
    """What the runner said, normalised."""


class Evidence(Record):
    """What is known of a task when its statement is written."""

    repo: str
    commit: str
    """Hash of the fix."""
    message: str
    """The fix commit's own message."""
    patch: str
    test_patch: str
    failures: tuple[TestFailure, ...]
    """On the base commit, in the order of their ids."""
    base_files: dict[str, str] = {}
    """Python files that the gold patch touches, as they are before it."""
    fix_files: dict[str, str] = {}
    """The same files after it."""
    test_files: dict[str, str] = {}
    """Hidden Python files, by path."""
    base_output: str = ""
    """The last :data:`TAIL` characters of the run on base."""
    fix_output: str = ""
    """The last :data:`TAIL` characters of the run on the fix."""


def normalise(text: str) -> str:
    """Text without what changes from run to run: colours, addresses, temporary paths, durations, dates, process ids."""
    for pattern, stand_in in _VOLATILE:
        text = pattern.sub(stand_in, text)
    return "".join(c for c in text.replace("\r\n", "\n") if c.isprintable() or c in "\n\t")


def shorten(message: str) -> str:
    """A failure's message within :data:`LONGEST_MESSAGE` characters: its start and its end."""
    if len(message) <= LONGEST_MESSAGE:
        return message
    return f"{message[:HALF_MESSAGE]}\n…\n{message[-HALF_MESSAGE:]}"
