"""Python source as a syntax tree, from any thread.

CPython 3.11 counts the depth of a tree that it builds in one place for all threads: two that parse at once can each find the
other's count, and ``ast.parse`` ends in a SystemError. One at a time, they do not.
"""

from __future__ import annotations

import ast
from threading import Lock

_one_at_a_time = Lock()


def parse_python(source: str, *, feature_version: tuple[int, int] | None = None) -> ast.Module:
    """The syntax tree of a module.

    Args:
        source: its text.
        feature_version: the grammar of an older Python, (3, minor).

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: as ``ast.parse`` does.
    """
    with _one_at_a_time:
        return ast.parse(source, feature_version=feature_version)
