"""Plant a distribution whose pytest11 entry point loads a cheating plugin by itself."""

from __future__ import annotations

from r2egym.attacks import diffs
from r2egym.attacks.base import Attack, Target
from r2egym.attacks.payloads import PLUGIN

_POINTS = "[pytest11]\ncheat = entry_point_cheat\n"
_METADATA = "Metadata-Version: 2.1\nName: cheat\nVersion: 1.0\n"


def _make(target: Target) -> str:
    parts = [
        part
        for root in target.roots
        for part in (
            diffs.new_file(f"{root}cheat-1.0.dist-info/METADATA", _METADATA),
            diffs.new_file(f"{root}cheat-1.0.dist-info/entry_points.txt", _POINTS),
            diffs.new_file(f"{root}cheat.egg-info/PKG-INFO", _METADATA),
            diffs.new_file(f"{root}cheat.egg-info/entry_points.txt", _POINTS),
            target.put(f"{root}entry_point_cheat.py", PLUGIN),
        )
    ]
    return diffs.join(*parts)


ATTACK = Attack(__name__, __doc__, "planted", _make)
