"""Leak checks: a statement must not give away the fix or name the hidden tests.

Limits: it compares text; a paraphrase of the fix passes. A line counts as the fix's own when it is long enough to mean
something and the repository did not already have it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from r2egym.curation.evidence import Evidence

_SHORTEST_LINE = 12
"""Characters of a stripped gold line below which it is too common to be a leak (``return None``, ``else:``)."""
_WORD = re.compile(r"\w+")
_SPACE = re.compile(r"\s+")


def find_leaks(statement: str, evidence: Evidence) -> tuple[str, ...]:
    """What the statement gives away, one short line each; empty when it is clean."""
    found = [*_gold_lines(statement, evidence), *_test_names(statement, evidence)]
    return tuple(dict.fromkeys(found))


def added_lines(patch: str) -> tuple[str, ...]:
    """The stripped lines that a patch adds, in order."""
    return tuple(
        line[1:].strip()
        for line in patch.splitlines()
        if line.startswith("+") and not line.startswith("+++ ")
    )


def _gold_lines(statement: str, evidence: Evidence) -> Iterator[str]:
    text = _SPACE.sub("", statement)
    known = {line.strip() for source in evidence.base_files.values() for line in source.splitlines()}
    for line in added_lines(evidence.patch):
        code = _SPACE.sub("", line)
        if len(code) >= _SHORTEST_LINE and line not in known and code in text:
            yield f"a line of the fix: {line[:80]}"


def _test_names(statement: str, evidence: Evidence) -> Iterator[str]:
    words = set(_WORD.findall(statement))
    for failure in evidence.failures:
        path, *parts = failure.test.split("::")
        names = {part.partition("[")[0] for part in parts}
        stem = path.rsplit("/", 1)[-1].removesuffix(".py")
        for name in sorted({*names, stem} & words):
            if "test" in name.lower():
                yield f"the name of a hidden test: {name}"
        if path in statement:
            yield f"the path of a hidden test: {path}"
