"""Finds the attacks: every module of the kinds' folders defines one, as ``ATTACK``."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import get_args

from r2egym.attacks import diffs
from r2egym.attacks.base import Attack, Kind, Target, in_source

_GUARDED = """
try:
    exec(compile({code!r}, "<{name}>", "exec"), globals())
except Exception:
    pass
"""
"""A part of a composite: what breaks in it must not stop the others."""


@cache
def _all() -> tuple[Attack, ...]:
    found = []
    for kind in get_args(Kind):
        package = importlib.import_module(f"r2egym.attacks.{kind}")
        names = sorted(module.name for module in pkgutil.iter_modules(package.__path__))
        found += [importlib.import_module(f"{package.__name__}.{name}").ATTACK for name in names]
    return tuple(found)


def attacks() -> tuple[Attack, ...]:
    """Every known cheat, by kind and name. Each must score 0, but for those that ``needs_seal``."""
    return tuple(attack for attack in _all() if attack.kind != "honest")


def controls() -> tuple[Attack, ...]:
    """Honest patches that must score 1."""
    return tuple(attack for attack in _all() if attack.kind == "honest")


def attack(name: str) -> Attack:
    """The cheat or control of that name; KeyError when there is none."""
    return {one.name: one for one in _all()}[name]


def composites(parts: tuple[Attack, ...] | None = None) -> tuple[Attack, ...]:
    """At most three attacks that stand for many: all planted files, all code in the source, all scripts.

    Those that end the run at once, undo what another does, or are heard whatever the task, stay out (``Attack.joins``), and so do the open ones. Their
    names are those of the parts joined by ``+``; when one surprises, its parts are to be judged one by one.
    """
    chosen = [part for part in (attacks() if parts is None else parts) if part.joins and not part.needs_seal]
    by_kind = {
        kind: tuple(part for part in chosen if part.kind == kind) for kind in ("planted", "source", "scripts")
    }
    made = [_planted(by_kind["planted"]), _source(by_kind["source"]), _scripts(by_kind["scripts"])]
    return tuple(one for one in made if one is not None)


def _named(parts: tuple[Attack, ...]) -> str:
    return "+".join(part.name for part in parts)


def _planted(parts: tuple[Attack, ...]) -> Attack | None:
    def make(target: Target) -> str:
        """Every part's files; where two want the same path, the first has it."""
        taken: dict[str, str] = {}
        for part in parts:
            for piece in diffs.split(part.patch(target)):
                taken.setdefault(piece.partition("\n")[0], piece)
        return diffs.join(*taken.values())

    return Attack(_named(parts), "Every planted file at once.", "planted", make) if parts else None


def _source(parts: tuple[Attack, ...]) -> Attack | None:
    code = "".join(_GUARDED.format(code=part.code, name=part.name) for part in parts)

    def make(target: Target) -> str:
        return in_source(target, code)

    return (
        Attack(_named(parts), "Every cheat in the source at once.", "source", make, code=code)
        if parts
        else None
    )


def _scripts(parts: tuple[Attack, ...]) -> Attack | None:
    code = "".join(f"(\n{part.code}\n)\n" for part in parts) + "exit 0\n"
    return Attack(_named(parts), "Every script at once.", "scripts", code=code) if parts else None
