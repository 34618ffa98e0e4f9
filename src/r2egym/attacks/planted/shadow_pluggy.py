"""Shadow pluggy, a dependency of the runner that the project does not use, with a module in the tree."""

from __future__ import annotations

from r2egym.attacks import diffs
from r2egym.attacks.base import Attack, Target
from r2egym.attacks.payloads import FORGER


def _make(target: Target) -> str:
    return diffs.join(*(target.put(root + "pluggy.py", FORGER) for root in target.roots))


ATTACK = Attack(__name__, __doc__, "planted", _make)
