"""The names that a fix brings into the world and that its tests use: a statement must tell them.

Without them a task asks its solver to guess. Only names and signatures are told, as documentation would; never a body.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from r2egym.curation.evidence import Evidence
from r2egym.mining.syntax import parse_python

_WORD = re.compile(r"[A-Za-z_]\w*")


def new_names(evidence: Evidence) -> tuple[str, ...]:
    """Signatures (``module.Class.method(a, b=1)``) of what the fix adds or gives new parameters, and the tests mention."""
    used = {word for text in evidence.test_files.values() for word in _WORD.findall(text)}
    told: list[str] = []
    for path, after in sorted(evidence.fix_files.items()):
        before = dict(_signatures(evidence.base_files.get(path, "")))
        module = module_of(path)
        for name, signature in _signatures(after):
            last = name.rsplit(".", 1)[-1]
            if any(part.startswith("_") for part in name.split(".")) or last not in used:
                continue
            old = before.get(name)
            if old is None or _gains_used_parameter(old, signature, used):
                told.append(f"{module}.{name}{signature}")
    return tuple(dict.fromkeys(told))


def module_of(path: str) -> str:
    """How users of the project write a file's module."""
    parts = path.removesuffix(".py").removesuffix("/__init__").split("/")
    return ".".join(parts[1:] if parts[0] in {"src", "lib"} and len(parts) > 1 else parts)


def _signatures(source: str) -> Iterator[tuple[str, str]]:
    """``(qualified name, signature)`` of a module's functions, classes and methods; assignments have no signature."""
    try:
        module = parse_python(source)
    except (SyntaxError, ValueError, RecursionError):
        return
    yield from _of_body(module.body, "")


def _of_body(body: list[ast.stmt], prefix: str) -> Iterator[tuple[str, str]]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            is_property = any("property" in ast.unparse(mark) for mark in node.decorator_list)
            yield prefix + node.name, "" if is_property else f"({_arguments(node, in_class=bool(prefix))})"
        elif isinstance(node, ast.ClassDef):
            yield prefix + node.name, ""
            yield from _of_body(node.body, f"{prefix}{node.name}.")
        elif isinstance(node, ast.Assign) and not prefix:
            yield from ((target.id, "") for target in node.targets if isinstance(target, ast.Name))


def _arguments(node: ast.FunctionDef | ast.AsyncFunctionDef, *, in_class: bool) -> str:
    text = ast.unparse(node.args)
    return re.sub(r"^(?:self|cls)(?:, |$)", "", text) if in_class else text


def _gains_used_parameter(old: str, new: str, used: set[str]) -> bool:
    return any(word in used for word in set(_WORD.findall(new)) - set(_WORD.findall(old)))
