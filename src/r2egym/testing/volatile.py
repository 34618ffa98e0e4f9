"""Output of commands without what changes from run to run, so that two runs can be compared."""

from __future__ import annotations

import re

_VOLATILE = (
    (re.compile(r"\x1b\[[0-9;:?]*[ -/]*[@-~]|\x1b[@-_]"), ""),
    (re.compile(r"\b0x[0-9a-fA-F]{6,}\b"), "0x…"),
    (re.compile(r"(?<![\w/])/tmp(?:/[\w.+-]+)+"), "/tmp/…"),  # noqa: S108 - text to find, not a folder to use
    (re.compile(r"\b\d+(?:\.\d+)? ?(?:s|ms|seconds?|minutes?)\b(?: \(\d+:\d\d:\d\d\))?"), "… s"),
    (re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?"), "<time>"),
    (re.compile(r"\bpid[ =:]+\d+", re.IGNORECASE), "pid …"),
)


def normalise(text: str) -> str:
    """Text without what changes from run to run: colours, addresses, temporary paths, durations, dates, process ids."""
    for pattern, stand_in in _VOLATILE:
        text = pattern.sub(stand_in, text)
    return "".join(c for c in text.replace("\r\n", "\n") if c.isprintable() or c in "\n\t")
