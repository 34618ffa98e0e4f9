"""Short runnable examples, taken from what the failing tests do and freed of everything that makes them tests.

A test's straight lines up to its first telling assertion become a snippet; the assertion becomes a comment that says what
is expected. Only tests that stand for themselves qualify: no fixtures, no ``self`` state, no names that a reader of the
repository does not have.
"""

from __future__ import annotations

import ast
import builtins
import copy
import re
from collections.abc import Iterable, Iterator

from r2egym.curation.evidence import Evidence, TestFailure

LONGEST = 14
"""Lines of a snippet, imports not counted."""
_WIDEST = 120
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
_EQUALITIES = (
    "assertEqual",
    "assertEquals",
    "assertListEqual",
    "assertDictEqual",
    "assertSequenceEqual",
    "assertIs",
)
_TRUTHS = {"assertTrue": "true", "assertFalse": "false", "assertIsNone": "`None`"}


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
        module = ast.parse(source)
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
        told = _expectation(statement)
        if told is not None:
            if line is None and not new & set(_WORD.findall("\n".join([*body, told]))):
                continue
            if line is None:
                return _finish(module, [*body, told])
            if line <= (statement.end_lineno or statement.lineno):
                now = _value_now(failure.message) if isinstance(statement, ast.Assert) else ""
                return _finish(module, [*body, f"{told}{now}"])
            continue
        if not isinstance(statement, _SIMPLE) or _mentions_testing(statement):
            return None
        body.append(ast.unparse(statement))
    return None


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
        if told and "..." not in told and "<" not in told and len(told) <= _WIDEST // 2
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
    lines: list[str] = []
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
    return str(value.value) if isinstance(value, ast.Constant) else "\0"


def _expectation(statement: ast.stmt) -> str | None:
    """An assertion as a line of code with a comment that says what is expected."""
    if isinstance(statement, ast.Assert):
        return _of_assert(statement.test)
    if isinstance(statement, ast.With) and len(statement.items) == 1 and len(statement.body) == 1:
        return _of_raises(statement)
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        return _of_method(statement.value)
    return None


def _of_assert(test: ast.expr) -> str:
    if isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.Eq | ast.Is):
        return _expects(test.left, ast.unparse(test.comparators[0]))
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return _expects(test.operand, "false")
    return _expects(test, "true")


def _of_raises(statement: ast.With) -> str | None:
    call = statement.items[0].context_expr
    if not isinstance(call, ast.Call) or not call.args:
        return None
    if ast.unparse(call.func) not in {"pytest.raises", "raises", "self.assertRaises"}:
        return None
    return f"{ast.unparse(statement.body[0])}  # expected: {ast.unparse(call.args[0])} is raised"


def _of_method(call: ast.Call) -> str | None:
    function = call.func
    if not isinstance(function, ast.Attribute) or ast.unparse(function.value) != "self" or not call.args:
        return None
    if function.attr in _EQUALITIES and len(call.args) >= _PAIR:
        left, right = call.args[:_PAIR]
        if isinstance(left, ast.Constant):
            left, right = right, left
        return _expects(left, ast.unparse(right))
    if function.attr in _TRUTHS:
        return _expects(call.args[0], _TRUTHS[function.attr])
    return None


def _expects(expression: ast.expr, value: str) -> str:
    return f"{ast.unparse(expression)}  # expected: {value}"


def _mentions_testing(statement: ast.stmt) -> bool:
    words = {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}
    return bool(words & {"self", "pytest", "mock", "unittest"})


def _finish(module: ast.Module, body: list[str]) -> str | None:
    """The snippet with the imports and constants of its module that it needs; None when a name stays unknown."""
    lines = [line for part in body for line in part.splitlines()]
    if len(lines) > LONGEST or any(len(line) > _WIDEST for line in lines):
        return None
    tree = ast.parse("\n".join(body))
    needed = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} - set(dir(builtins))
    needed -= {name for statement in tree.body for name in _binds(statement)}
    needed -= {
        node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    needed -= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    head: list[str] = []
    for statement in module.body:
        for kept, names in _provisions(statement, needed):
            head.append(kept)
            needed -= names
    if needed or any(word in line for line in head for word in ("pytest", "unittest", "from .")):
        return None
    return "\n".join([*head, *([""] if head else []), *body])


def _provisions(statement: ast.stmt, needed: set[str]) -> Iterator[tuple[str, set[str]]]:
    """The part of a module-level statement that gives needed names, as code."""
    names = _binds(statement) & needed
    if not names:
        return
    if isinstance(statement, ast.Import | ast.ImportFrom):
        less = copy.deepcopy(statement)
        less.names = [alias for alias in less.names if (alias.asname or alias.name.split(".")[0]) in names]
        yield ast.unparse(less), names
    elif len(ast.unparse(statement)) <= _WIDEST and not _loads(statement):
        yield ast.unparse(statement), names


def _loads(statement: ast.stmt) -> bool:
    return any(isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) for node in ast.walk(statement))


def _binds(statement: ast.stmt) -> set[str]:
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return {alias.asname or alias.name.split(".")[0] for alias in statement.names}
    if isinstance(statement, ast.Assign):
        return {target.id for target in statement.targets if isinstance(target, ast.Name)}
    return set()
