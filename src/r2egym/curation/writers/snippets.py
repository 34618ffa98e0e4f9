"""A snippet with everything that it needs from the module it was taken from."""

from __future__ import annotations

import ast
import builtins
import copy
from collections.abc import Iterator

from r2egym.mining.syntax import parse_python

LONGEST = 20
"""Lines of a snippet, imports not counted."""
WIDEST = 120
"""Characters of a line."""


def complete(module: ast.Module, body: list[str]) -> str | None:
    """The snippet with the imports and constants of its module that it needs; None when a name stays unknown."""
    lines = [line for part in body for line in part.splitlines()]
    if len(lines) > LONGEST or any(len(line) > WIDEST for line in lines):
        return None
    tree = parse_python("\n".join(body))
    needed = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} - set(dir(builtins))
    needed -= {name for statement in tree.body for name in _binds(statement)}
    needed -= {
        node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    needed -= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    needed -= {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)}
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
    elif len(ast.unparse(statement)) <= WIDEST and not _loads(statement):
        yield ast.unparse(statement), names


def _loads(statement: ast.stmt) -> bool:
    return any(isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) for node in ast.walk(statement))


def _binds(statement: ast.stmt) -> set[str]:
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return {alias.asname or alias.name.split(".")[0] for alias in statement.names}
    if isinstance(statement, ast.Assign):
        return {target.id for target in statement.targets if isinstance(target, ast.Name)}
    return set()
