"""What the hidden tests ask for and nobody could know: texts that they assert and that neither statement nor source tells.

A text counts as told when each of its words stands somewhere in the statement, in the source that the fix touches, or in what
the test itself hands in: texts that it does not compare with, names that it gives, helpers of its module. Numbers are not looked for: most follow from the input by the rule that the statement gives.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from r2egym.curation.evidence import Evidence
from r2egym.curation.writers.mended import about_the_fix, module_and_function

_WORD = re.compile(r"[^\W\d_]{3,}")
_EQUALITIES = ("assertEqual", "assertEquals", "assertIn", "assertRaisesRegex", "assertMultiLineEqual")
_MOST = 5


def untold_texts(statement: str, evidence: Evidence) -> tuple[str, ...]:
    """Texts that the tests about the fix assert, with a word that is told nowhere; at most five."""
    known = _words(statement) | _words("\n".join(evidence.base_files.values()))
    found: dict[str, None] = {}
    for failure in about_the_fix(evidence):
        module, function = module_and_function(evidence, failure)
        if function is None:
            continue
        asserted = list(_asserted(function))
        told = known | _words("\n".join(_handed_in(module, function, asserted)))
        for node in asserted:
            text = str(node.value)
            if _words(text) - told:
                found.setdefault(text)
    return tuple(found)[:_MOST]


def _words(text: str) -> set[str]:
    return {word.lower() for word in _WORD.findall(text)}


def _handed_in(module: ast.Module, function: ast.AST, asserted: list[ast.Constant]) -> Iterator[str]:
    """Names and texts of a test, but for those that it compares with, and of what its module has beside tests."""
    compared = {id(node) for node in asserted}
    for part in (function, *_besides_tests(module.body)):
        for node in ast.walk(part):
            if isinstance(node, ast.Constant):
                if isinstance(node.value, str) and id(node) not in compared:
                    yield node.value
                continue
            for field in ("id", "attr", "name", "arg"):
                if isinstance(name := getattr(node, field, None), str):
                    yield name


def _besides_tests(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """What stands in a module, and in its classes, that is no test."""
    for node in body:
        if isinstance(node, ast.ClassDef):
            yield from _besides_tests(node.body)
        elif not getattr(node, "name", "").lower().startswith("test"):
            yield node


def _asserted(function: ast.AST) -> Iterator[ast.Constant]:
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


def _compared(part: ast.expr) -> Iterator[ast.Constant]:
    """Text constants of an expression that are no argument of a call in it."""
    if isinstance(part, ast.Call):
        return
    if isinstance(part, ast.Constant):
        if isinstance(part.value, str):
            yield part
        return
    for child in ast.iter_child_nodes(part):
        if isinstance(child, ast.expr):
            yield from _compared(child)
