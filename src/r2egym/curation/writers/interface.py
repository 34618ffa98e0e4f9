"""The names that a fix brings into the world and that its tests use: a statement must tell them.

Without them a task asks its solver to guess. Only names and signatures are told, as documentation would; never a body. They are
read by a parser that knows Python 2 as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from r2egym.curation.evidence import Evidence
from r2egym.mining.entities import NAMED, Outline

_WORD = re.compile(r"[A-Za-z_]\w*")
_TARGET = re.compile(r"\A([A-Za-z_]\w*)\s*=")


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
    """``(qualified name, signature)`` of a module's functions, classes and methods; assignments have no signature.

    A class is called as its own ``__init__`` says.
    """
    parts = Outline(source.encode("utf-8", "surrogateescape")).parts
    made = {part.name.removesuffix(".__init__"): part.signature for part in parts if part.type == "method"}
    for part in parts:
        if part.type in NAMED:
            yield part.name, made.get(part.name, "") if part.type == "class" else part.signature
        elif part.ast_type == "Assign":
            yield from ((name, "") for name in _TARGET.findall(part.text)[:1])


def _gains_used_parameter(old: str, new: str, used: set[str]) -> bool:
    return any(word in used for word in set(_WORD.findall(new)) - set(_WORD.findall(old)))
