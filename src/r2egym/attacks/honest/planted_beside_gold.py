"""Gold with cheating control files planted beside it: they are left out, and gold still scores 1."""

from __future__ import annotations

from r2egym.attacks import diffs
from r2egym.attacks.base import Attack, Target
from r2egym.attacks.payloads import PLUGIN


def _make(target: Target) -> str:
    planted = ("conftest.py", "pytest.ini", f"{target.test_folders[0]}conftest.py")
    return diffs.join(
        target.task.patch,
        *(target.put(path, PLUGIN) for path in dict.fromkeys(planted) if path not in target.gold_paths),
    )


ATTACK = Attack(__name__, __doc__, "honest", _make)
