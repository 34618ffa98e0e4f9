"""An assertion as a line of code with a comment that says what is expected; and as plain code, when it holds."""

from __future__ import annotations

import ast

from r2egym.mining.syntax import parse_python

_PAIR = 2
_EQUALITIES = (
    "assertEqual",
    "assertEquals",
    "assertListEqual",
    "assertDictEqual",
    "assertSequenceEqual",
)
_TRUTHS = {"assertTrue": "true", "assertFalse": "false", "assertIsNone": "`None`"}


def expectation(statement: ast.stmt) -> str | None:
    """The line of code for an assertion of pytest or unittest; None for another statement."""
    if isinstance(statement, ast.Assert):
        return _of_assert(statement.test)
    if isinstance(statement, ast.With) and len(statement.items) == 1 and len(statement.body) == 1:
        return _of_raises(statement)
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        return _of_method(statement.value)
    return None


def _of_assert(test: ast.expr) -> str:
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        right = test.comparators[0]
        if isinstance(test.ops[0], ast.Eq) or (isinstance(test.ops[0], ast.Is) and _is_one_of_a_kind(right)):
            return _expects(test.left, ast.unparse(right))
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
    if function.attr == "assertIs" and len(call.args) >= _PAIR:
        return _of_assert(ast.Compare(call.args[0], [ast.Is()], [call.args[1]]))
    if function.attr in _TRUTHS:
        return _expects(call.args[0], _TRUTHS[function.attr])
    return None


def _is_one_of_a_kind(value: ast.expr) -> bool:
    """Whether to be this object is to have this value: ``None``, ``True``, ``...``."""
    return isinstance(value, ast.Constant) and (value.value is ... or value.value in {None, True, False})


def _expects(expression: ast.expr, value: str) -> str:
    return f"{ast.unparse(expression)}  # expected: {value}"


def effect(told: str, before: list[str]) -> str:
    """What is left of an assertion that holds: its call on something that the lines before made; empty without one."""
    code = told.partition("  # expected: ")[0]
    calls = [node for node in ast.walk(parse_python(code)) if isinstance(node, ast.Call)]
    touched = {node.id for call in calls for node in ast.walk(call) if isinstance(node, ast.Name)}
    return code if touched & _made(before) and not told.endswith(" is raised") else ""


def _made(lines: list[str]) -> set[str]:
    """Names of functions that the lines define, and of what they got from calls."""
    found: set[str] = set()
    for statement in parse_python("\n".join(lines)).body:
        if isinstance(statement, ast.FunctionDef):
            found.add(statement.name)
        elif isinstance(statement, ast.Assign) and any(
            isinstance(node, ast.Call) for node in ast.walk(statement.value)
        ):
            found |= {
                node.id
                for target in statement.targets
                for node in ast.walk(target)
                if isinstance(node, ast.Name)
            }
    return found
