"""What the editor knows about Python source: where functions have bodies, and where its syntax breaks.

tree-sitter reads every version of the language, broken files included; nothing is run and no interpreter is needed.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tree_sitter

_BODY_LINES = 4
"""Fewest lines of a body that is left out."""


def bodies(source: bytes) -> list[tuple[int, int]]:
    """First and last line of every function's body that is worth leaving out, outermost ones, in order."""
    found = []
    tree = _parser().parse(source)
    pending = [tree.root_node]
    while pending:
        node = pending.pop()
        lines = _body(node)
        if lines and lines[1] - lines[0] + 1 >= _BODY_LINES:
            found.append(lines)
        else:
            pending.extend(reversed(node.named_children))
    return sorted(found)


def _body(node: tree_sitter.Node) -> tuple[int, int] | None:
    """The lines below a function's header, where its body begins on one of its own."""
    body = node.child_by_field_name("body") if node.type == "function_definition" else None
    if body is None or not body.named_children:
        return None
    header = next((child.end_point.row for child in node.children if child.type == ":"), body.start_point.row)
    last = body.end_point.row - (body.end_point.column == 0)
    return (header + 2, last + 1) if body.start_point.row > header else None


def syntax_error(source: bytes) -> int:
    """The line of the first syntax error, from 1; 0 when there is none."""
    tree = _parser().parse(source)
    if not tree.root_node.has_error:
        return 0
    return min((node.start_point.row + 1 for node in _errors(tree.root_node)), default=1)


def _errors(root: tree_sitter.Node) -> Iterator[tree_sitter.Node]:
    pending = [root]
    while pending:
        node = pending.pop()
        if node.is_error or node.is_missing:
            yield node
        elif node.has_error:
            pending.extend(node.children)


@lru_cache(maxsize=1)
def _parser() -> tree_sitter.Parser:
    import tree_sitter
    import tree_sitter_python

    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_python.language()))
