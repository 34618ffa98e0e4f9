"""What the hidden tests ask for and nobody could know: texts that they assert and that neither statement nor source tells.

A text counts as told when each of its words stands somewhere in the statement, in the source that the fix touches, or in what
the test itself hands in. Numbers are not looked for: most follow from the input by the rule that the statement gives.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from r2egym.curation.evidence import Evidence
from r2egym.mining.syntax import parse_python

_WORD = re.compile(r"[^\W\d_]{3,}")
_EQUALITIES = ("assertEqual", "assertEquals", "assertIn", "assertRaisesRegex", "assertMultiLineEqual")
_MOST = 5


def untold_texts(statement: str, evidence: Evidence) -> tuple[str, ...]:
    """Texts that the tests of the fix assert, with a word that is told nowhere; at most five."""
    known = _words(statement) | _words("\n".join(evidence.base_files.values()))
    found: dict[str, None] = {}
    for failure in evidence.failures:
        path, *names = failure.test.split("::")
        function = _function(evidence.test_files.get(path, ""), names)
        if function is None:
            continue
        asserted = list(_asserted(function))
        given = {
            node.value
            for node in ast.walk(function)
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        told = known | _words("\n".join(given - set(asserted)))
        for text in asserted:
            if _words(text) - told:
                found.setdefault(text)
    return tuple(found)[:_MOST]


def _words(text: str) -> set[str]:
    return {word.lower() for word in _WORD.findall(text)}


def _function(source: str, names: list[str]) -> ast.AST | None:
    """The test's own code; None where it cannot be found."""
    try:
        scope: ast.AST = parse_python(source)
    except (SyntaxError, ValueError, RecursionError):
        return None
    for name in names:
        plain = name.partition("[")[0]
        inner = (node for node in getattr(scope, "body", []) if getattr(node, "name", None) == plain)
        found = next(inner, None)
        if found is None:
            return None
        scope = found
    return scope if isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef) else None


def _asserted(function: ast.AST) -> Iterator[str]:
    """The texts that are compared with, looked for, or matched against a raised error."""
    for node in ast.walk(function):
        parts: list[ast.expr] = []
        if isinstance(node, ast.Assert):
            parts = [node.test]
        elif isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if name in _EQUALITIES:
                parts = list(node.args)
            parts += [word.value for word in node.keywords if name == "raises" and word.arg == "match"]
        for part in parts:
            yield from _compared(part)


def _compared(part: ast.expr) -> Iterator[str]:
    """Text constants of an expression that are no argument of a call in it."""
    if isinstance(part, ast.Call):
        return
    if isinstance(part, ast.Constant):
        if isinstance(part.value, str):
            yield part.value
        return
    for child in ast.iter_child_nodes(part):
        if isinstance(child, ast.expr):
            yield from _compared(child)
