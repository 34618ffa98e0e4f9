"""Plant a pytest.ini that loads a plugin which turns every report into a pass."""

from __future__ import annotations

from r2egym.attacks import diffs
from r2egym.attacks.base import Attack, Target
from r2egym.attacks.payloads import PLUGIN


def _make(target: Target) -> str:
    return diffs.join(
        target.put("pytest.ini", "[pytest]\naddopts = -p pytest_ini_cheat\n"),
        target.put("pytest_ini_cheat.py", PLUGIN),
    )


ATTACK = Attack(__name__, __doc__, "planted", _make)
