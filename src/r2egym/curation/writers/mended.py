"""The tests that a fix mends: their code, and which of them are about it.

When a module cannot be imported without the fix, every test in it fails, and all but those that the fix brought tell of something
else.
"""

from __future__ import annotations

import ast

from r2egym.curation.evidence import Evidence, TestFailure
from r2egym.mining.syntax import parse_python

_TELLING = 4
"""Characters of a line that tells one test from another."""


def about_the_fix(evidence: Evidence) -> tuple[TestFailure, ...]:
    """The failures of tests that the fix's own commits brought or changed; all of them where there are none."""
    lines = (line for line in evidence.test_patch.splitlines() if line.startswith("+"))
    added = {text for line in lines if len(text := line[1:].strip()) >= _TELLING}
    found = tuple(
        failure
        for failure in evidence.failures
        if added & {line.strip() for line in _lines(evidence, failure)}
    )
    return found or evidence.failures


def code_of(evidence: Evidence, failure: TestFailure) -> str:
    """A test as it stands in its module; of a class also what is no test. Empty where it cannot be found."""
    return "\n".join(_lines(evidence, failure, whole=True))


def module_and_function(
    evidence: Evidence, failure: TestFailure
) -> tuple[ast.Module, ast.FunctionDef | ast.AsyncFunctionDef | None]:
    """A test's module and its own code; an empty module, or None, where it cannot be read or found."""
    path, *names = failure.test.split("::")
    try:
        module = parse_python(evidence.test_files.get(path, ""))
    except (SyntaxError, ValueError, RecursionError):
        return ast.Module(body=[], type_ignores=[]), None
    way = _way(module, names)
    last = way[-1] if way else None
    return module, last if isinstance(last, ast.FunctionDef | ast.AsyncFunctionDef) else None


def _way(module: ast.Module, names: list[str]) -> list[ast.stmt]:
    """The classes that lead to a test, and the test; empty where it cannot be found."""
    way: list[ast.stmt] = []
    for name in names:
        plain = name.partition("[")[0]
        body = getattr(way[-1] if way else module, "body", [])
        found = next((node for node in body if getattr(node, "name", None) == plain), None)
        if found is None:
            return []
        way.append(found)
    return way


def _lines(evidence: Evidence, failure: TestFailure, *, whole: bool = False) -> list[str]:
    """Of a test's code; ``whole``: with the classes around it, without their other tests."""
    path, *names = failure.test.split("::")
    source = evidence.test_files.get(path, "")
    try:
        way = _way(parse_python(source), names)
    except (SyntaxError, ValueError, RecursionError):
        return []
    if not way:
        return []
    text, found = source.splitlines(), []
    for around in way[:-1] if whole else ():
        members = [node for node in getattr(around, "body", []) if node not in way]
        kept = [node for node in members if not getattr(node, "name", "test").lower().startswith("test")]
        kept += [node for node in members if isinstance(node, ast.Assign | ast.AnnAssign)]
        head = getattr(around, "body", [around])[0]
        found += text[_first(around) - 1 : _first(head) - 1]
        for node in sorted(kept, key=_first):
            found += text[_first(node) - 1 : node.end_lineno]
    return [*found, *text[_first(way[-1]) - 1 : way[-1].end_lineno]]


def _first(node: ast.stmt) -> int:
    """The line on which it begins, decorators included."""
    marks: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(mark.lineno for mark in marks)])
