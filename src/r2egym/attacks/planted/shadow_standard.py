"""Shadow modules of the standard library that a runner imports, at every root of the tree."""

from __future__ import annotations

from r2egym.attacks import diffs
from r2egym.attacks.base import Attack, Target
from r2egym.attacks.payloads import FORGER

_NAMES = ("argparse", "base64", "json", "marshal", "random", "secrets", "tempfile", "traceback")


def _make(target: Target) -> str:
    return diffs.join(*(target.put(f"{root}{name}.py", FORGER) for root in target.roots for name in _NAMES))


ATTACK = Attack(__name__, __doc__, "planted", _make)
