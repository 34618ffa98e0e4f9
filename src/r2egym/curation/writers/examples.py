"""Short runnable examples, taken from what the failing tests do and freed of everything that makes them tests.

A test's straight lines up to its first telling assertion become a snippet; the assertion becomes a comment that says what
is expected. Only tests that stand for themselves qualify: no fixtures, no ``self`` state, no names that a reader of the
repository does not have.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

from r2egym.curation.evidence import Evidence, TestFailure
from r2egym.curation.writers.expectations import effect, expectation
from r2egym.curation.writers.snippets import WIDEST, complete
from r2egym.mining.syntax import parse_python

_FOLDER = "import pathlib, tempfile\ntmp_path = pathlib.Path(tempfile.mkdtemp())"
"""What the one fixture that needs no explanation stands for."""
_WORD = re.compile(r"\w+")
_SIMPLE = (
    ast.Assign,
    ast.AnnAssign,
    ast.AugAssign,
    ast.Expr,
    ast.Import,
    ast.ImportFrom,
    ast.FunctionDef,
    ast.ClassDef,
)
_PAIR = 2


def find_examples(evidence: Evidence, new: frozenset[str] = frozenset(), *, most: int = 2) -> tuple[str, ...]:
    """Up to ``most`` snippets of Python, of different tests; none when no test can be read that way.

    Args:
        evidence: the failing tests and their files.
        new: names that the fix brings; of a test that never ran on base, only an assertion about one of them tells anything.
        most: how many.
    """
    found: list[str] = []
    seen: set[tuple[str, str]] = set()
    for failure in evidence.failures:
        path, _, name = failure.test.partition("::")
        plain = name.partition("[")[0]
        if (path, plain) in seen or path not in evidence.test_files or len(found) == most:
            continue
        snippet = _example(evidence.test_files[path], failure, new)
        if snippet is not None and snippet not in found:
            seen.add((path, plain))
            found.append(snippet)
    return tuple(found)


def _example(source: str, failure: TestFailure, new: frozenset[str]) -> str | None:
    """The test's lines up to the assertion that fails; those that hold before it are left out."""
    path, _, name = failure.test.partition("::")
    try:
        module = parse_python(source)
    except (SyntaxError, ValueError, RecursionError):
        return None
    plain, _, parameters = name.partition("[")
    function = _function(module, plain.split("::"))
    given = None if function is None else _given(function, parameters.removesuffix("]"))
    if function is None or given is None:
        return None
    line = _failing_line(failure.message, path, function)
    body: list[str] = list(given)
    for statement in function.body:
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
            continue  # a docstring
        told = expectation(statement)
        if told is not None:
            if line is None and not new & set(_WORD.findall("\n".join([*body, told]))):
                body += filter(None, [effect(told, body)])
                continue
            if line is None:
                return complete(module, [*body, told])
            if line <= (statement.end_lineno or statement.lineno):
                now = _value_now(failure.message) if isinstance(statement, ast.Assert) else ""
                return complete(module, [*body, f"{told}{now}"])
            body += filter(None, [effect(told, body)])
            continue
        if not isinstance(statement, _SIMPLE) or _mentions_testing(statement):
            return None
        body.append(_code(statement, source))
    return None


def _code(statement: ast.stmt, source: str) -> str:
    """A statement as it is written, so that long strings keep their lines; definitions as Python would write them."""
    if any(isinstance(node, ast.Nonlocal) for node in ast.walk(statement)):
        return ast.unparse(statement).replace("nonlocal ", "global ")
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return ast.unparse(statement)
    written = ast.get_source_segment(source, statement) or ""
    text = any(
        isinstance(node, ast.Constant | ast.JoinedStr) and node.end_lineno != node.lineno
        for node in ast.walk(statement)
    )
    return written if text and "\n" in written else ast.unparse(statement)


def _failing_line(message: str, path: str, function: ast.FunctionDef) -> int | None:
    """The line of the test that the failure points to; None when it does not come from running the test."""
    found = re.findall(rf"^(?:/testbed/)?{re.escape(path)}:(\d+): ", message, re.MULTILINE)
    lines = [int(number) for number in found]
    own = [line for line in lines if function.lineno <= line <= (function.end_lineno or line)]
    return own[-1] if own else None


def _value_now(message: str) -> str:
    """What came out instead, when the message of an equality shows it in full."""
    match = re.search(r"^E +(?:AssertionError: )?assert (?!not )(.+?) == .+$", message, re.MULTILINE)
    told = match[1] if match else ""
    return (
        f"; now: {told}"
        if told and "..." not in told and "<" not in told and len(told) <= WIDEST // 2
        else ""
    )


def _function(module: ast.Module, name: list[str]) -> ast.FunctionDef | None:
    here: Iterable[ast.stmt] = module.body
    for part in name[:-1]:
        found = [node for node in here if isinstance(node, ast.ClassDef) and node.name == part]
        if not found:
            return None
        here = found[-1].body
    functions = [node for node in here if isinstance(node, ast.FunctionDef) and node.name == name[-1]]
    return functions[-1] if functions else None


def _given(function: ast.FunctionDef, parameters: str) -> list[str] | None:
    """Assignments that stand for a test's parameters: the row of its ``parametrize``; None for a fixture."""
    wanted = [argument.arg for argument in function.args.args if argument.arg != "self"]
    lines = [_FOLDER for name in wanted if name == "tmp_path"]
    wanted = [name for name in wanted if name != "tmp_path"]
    for mark in function.decorator_list:
        if (
            not isinstance(mark, ast.Call)
            or not ast.unparse(mark.func).endswith("parametrize")
            or len(mark.args) < _PAIR
        ):
            return None
        names, rows = mark.args[:_PAIR]
        if not isinstance(names, ast.Constant) or not isinstance(rows, ast.List | ast.Tuple) or not rows.elts:
            return None
        columns = [part.strip() for part in str(names.value).split(",")]
        values = _row(rows.elts, len(columns), parameters)
        if values is None:
            return None
        for column, value in zip(columns, values, strict=True):
            lines.append(f"{column} = {ast.unparse(value)}")
            if column in wanted:
                wanted.remove(column)
    return None if wanted else lines


def _row(rows: list[ast.expr], width: int, parameters: str) -> list[ast.expr] | None:
    """The row whose id is ``parameters``, as pytest makes ids of plain constants."""
    for row in rows:
        values = row.elts if width > 1 and isinstance(row, ast.Tuple | ast.List) else [row]
        if len(values) == width and "-".join(_id(value) for value in values) == parameters:
            return values
    return None


def _id(value: ast.expr) -> str:
    """A constant's text, a class's or function's name; something that no id holds for the rest."""
    if isinstance(value, ast.Name):
        return value.id
    return str(value.value) if isinstance(value, ast.Constant) else "\0"


def _mentions_testing(statement: ast.stmt) -> bool:
    words = {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}
    return bool(words & {"self", "pytest", "mock", "unittest"})
