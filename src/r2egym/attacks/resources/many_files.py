"""Hand in a patch of 20,000 files in as many folders.

No naive control: it wins nothing, it breaks things.
"""

from __future__ import annotations

from r2egym.attacks import diffs
from r2egym.attacks.base import Attack, Target

_COUNT = 20_000


def _make(target: Target) -> str:
    root = target.roots[0]
    return diffs.join(*(diffs.new_file(f"{root}many/f{number}/x.py", "x = 1\n") for number in range(_COUNT)))


ATTACK = Attack(__name__, __doc__, "resources", _make, may_fail=True, joins=False, beats="none")
