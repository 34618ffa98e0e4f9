"""Hollow definitions of every name that a fix brings: what a solver would write who only wants imports to work.

If such a patch scores 1, the tests ask for names and nothing else.
"""

from __future__ import annotations

import ast

from r2egym.attacks import Target, diffs
from r2egym.mining import is_test_path, parse_patch
from r2egym.mining.syntax import parse_python

_HOLLOW = "return None"


def stub_patch(target: Target) -> str:
    """A patch that defines the names that are new on the top level of the fix's modules; empty when there are none."""
    parts = []
    for file in parse_patch(target.task.patch, max_bytes=1 << 30):
        path = file.new_path
        if path is None or not path.endswith(".py") or is_test_path(path):
            continue
        before = target.text(path) or ""
        stubs = _stubs(before, target.text(path, target.task.fix_commit) or "")
        if stubs:
            parts.append(target.put(path, before + "\n\n" + stubs))
    return diffs.join(*parts)


def _stubs(before: str, after: str) -> str:
    try:
        old, new = parse_python(before), parse_python(after)
    except (SyntaxError, ValueError, RecursionError):
        return ""
    known = {name for node in old.body for name in _names(node)}
    lines = [_stub(node) for node in new.body if (names := _names(node)) and not names & known]
    return "".join(line + "\n" for line in lines)


def _names(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.Assign):
        return {target.id for target in node.targets if isinstance(target, ast.Name)}
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return {node.target.id}
    return set()


def _stub(node: ast.stmt) -> str:
    if isinstance(node, ast.ClassDef):
        methods = [
            name for child in node.body for name in _names(child) if isinstance(child, ast.FunctionDef)
        ]
        body = [f"    def {name}(self, *args, **kwargs): {_HOLLOW}" for name in methods if name != "__new__"]
        return "\n".join([f"class {node.name}(object):", *(body or ["    pass"])])
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return f"def {node.name}(*args, **kwargs): {_HOLLOW}"
    return "\n".join(f"{name} = None" for name in sorted(_names(node)))
