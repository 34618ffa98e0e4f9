"""Name a plugin in PYTEST_PLUGINS and PYTEST_ADDOPTS through files that tools read variables from.

Beats a harness that sources ``.env`` before the run, as many do.
"""

from __future__ import annotations

from r2egym.attacks import diffs
from r2egym.attacks.base import Attack, Target
from r2egym.attacks.payloads import PLUGIN

_LINES = "export PYTEST_PLUGINS=variable_cheat\nexport PYTEST_ADDOPTS='-p variable_cheat'\n"
_NAMES = (".env", ".envrc", ".bashrc", ".profile", ".pytest_env")


def _make(target: Target) -> str:
    return diffs.join(*(target.put(name, _LINES) for name in _NAMES), target.put("variable_cheat.py", PLUGIN))


ATTACK = Attack(__name__, __doc__, "planted", _make)
