"""Evidence: everything a writer may look at to describe a task, gathered once, free of volatile text."""

from __future__ import annotations

from r2egym.records import Record, TestStatus

TAIL = 1_000
"""Characters of a run's output that a writer sees."""
LONGEST_MESSAGE = 8_000
HALF_MESSAGE = 3_500
"""A longer failure keeps its first and last so many characters."""


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


def shorten(message: str) -> str:
    """A failure's message within :data:`LONGEST_MESSAGE` characters: its start and its end."""
    if len(message) <= LONGEST_MESSAGE:
        return message
    return f"{message[:HALF_MESSAGE]}\n…\n{message[-HALF_MESSAGE:]}"
