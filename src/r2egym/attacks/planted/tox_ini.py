"""Plant a tox.ini whose [pytest] section loads a cheating plugin."""

from __future__ import annotations

from r2egym.attacks import diffs
from r2egym.attacks.base import Attack, Target
from r2egym.attacks.payloads import PLUGIN


def _make(target: Target) -> str:
    return diffs.join(
        target.put("tox.ini", "[pytest]\naddopts = -p tox_ini_cheat\n"),
        target.put("tox_ini_cheat.py", PLUGIN),
    )


ATTACK = Attack(__name__, __doc__, "planted", _make)
