"""Reading the arguments of ``setup()`` in a ``setup.py`` from its syntax tree, without running it.

Understood: literals, names bound to such at module level, ``+`` and ``%``, ``dict(…)``, ``list(…)``, ``find_packages(…)``, texts of
files of the repository (``open(…).read()``, or a helper called with the file's name), and on texts ``split``, ``splitlines``,
``strip``. Python 2 syntax is read as far as Python 3's parser goes; nothing is said of the rest.
"""

from __future__ import annotations

import ast
import posixpath
import warnings
from dataclasses import dataclass

from r2egym.building.files import Files
from r2egym.building.requirements import read_file
from r2egym.mining.syntax import parse_python

_DEEPEST = 50


@dataclass(frozen=True)
class FindPackages:
    """A call of ``find_packages``."""

    where: str = "."


class _UnreadableError(Exception):
    """An expression that only running the script would tell."""


def read(files: Files) -> tuple[dict[str, object], tuple[str, ...]]:
    """What is passed to ``setup()``: the arguments that can be read, and the names of those that cannot."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            module = parse_python(files.text("setup.py"))
    except (SyntaxError, ValueError, RecursionError):
        return {}, ("name", "version", "install_requires")
    reader = _Reader(module, files)
    said: dict[str, object] = {}
    unread: list[str] = []
    for call in (
        node for node in ast.walk(module) if isinstance(node, ast.Call) and _name(node.func) == "setup"
    ):
        for keyword in call.keywords:
            try:
                value = reader.value(keyword.value)
            except (_UnreadableError, RecursionError, TypeError, ValueError):
                unread.append(keyword.arg or "")
                continue
            if keyword.arg:
                said[keyword.arg] = value
            elif isinstance(value, dict):
                said.update(value)
    return said, tuple(unread)


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


class _Reader:
    """Evaluates plain expressions of one module."""

    def __init__(self, module: ast.Module, files: Files) -> None:
        self._files = files
        self._names: dict[str, ast.expr] = {}
        for statement in ast.walk(module):
            if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
                target = statement.targets[0]
                if isinstance(target, ast.Name):
                    self._names.setdefault(target.id, statement.value)

    def value(self, node: ast.expr, depth: int = 0) -> object:
        """The value of an expression. Raises _UnreadableError."""
        if depth > _DEEPEST:
            raise _UnreadableError
        match node:
            case ast.Constant():
                return node.value
            case ast.Name() if node.id in self._names:
                return self.value(self._names[node.id], depth + 1)
            case ast.List() | ast.Tuple() | ast.Set():
                return [self.value(item, depth + 1) for item in node.elts]
            case ast.Dict():
                return self._dict(node, depth)
            case ast.BinOp():
                return self._sum(node, depth)
            case ast.Call():
                return self._call(node, depth)
        raise _UnreadableError

    def _dict(self, node: ast.Dict, depth: int) -> dict[object, object]:
        found: dict[object, object] = {}
        for key, item in zip(node.keys, node.values, strict=True):
            if key is not None:
                found[self.value(key, depth + 1)] = self.value(item, depth + 1)
        return found

    def _sum(self, node: ast.BinOp, depth: int) -> object:
        left, right = self.value(node.left, depth + 1), self.value(node.right, depth + 1)
        if isinstance(node.op, ast.Add) and isinstance(left, list) and isinstance(right, list):
            return left + right
        if isinstance(node.op, ast.Add) and isinstance(left, str) and isinstance(right, str):
            return left + right
        if isinstance(node.op, ast.Mod) and isinstance(left, str):
            return left % (tuple(right) if isinstance(right, list) else right)
        raise _UnreadableError

    def _call(self, node: ast.Call, depth: int) -> object:
        name = _name(node.func)
        if name in {"find_packages", "find_namespace_packages"}:
            where = next(
                (word.value for word in node.keywords if word.arg == "where"),
                node.args[0] if node.args else None,
            )
            return FindPackages(str(self.value(where, depth + 1)) if where is not None else ".")
        if name == "dict":
            return {word.arg: self.value(word.value, depth + 1) for word in node.keywords if word.arg}
        if name in {"list", "tuple", "sorted"} and len(node.args) == 1:
            return self.value(node.args[0], depth + 1)
        if name in {"split", "splitlines", "strip", "read", "rstrip"} and isinstance(
            node.func, ast.Attribute
        ):
            return self._of_text(name, self.value(node.func.value, depth + 1), node, depth)
        path = self._path(node)
        if path is None:
            raise _UnreadableError
        return read_file(self._files, path) if "requirement" in name else self._files.text(path)

    def _of_text(self, name: str, text: object, node: ast.Call, depth: int) -> object:
        if not isinstance(text, str):
            raise _UnreadableError
        if name == "read":
            return text
        return getattr(text, name)(*(self.value(word, depth + 1) for word in node.args))

    def _path(self, node: ast.Call) -> str | None:
        """The file of the repository that a call's constant arguments name, if they name one."""
        words = [
            part.value
            for part in ast.walk(node)
            if isinstance(part, ast.Constant) and isinstance(part.value, str)
        ]
        for text in (*words, "/".join(words)):
            path = posixpath.normpath(text)
            if path in self._files.paths and not path.endswith(".py"):
                return path
        return None
