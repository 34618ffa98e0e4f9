"""Hand in a patch of 50 MB.

No naive control: it wins nothing, it breaks things.
"""

from __future__ import annotations

from r2egym.attacks import diffs
from r2egym.attacks.base import Attack, Target

_SIZE = 50 << 20
_LINE = "# " + "x" * 97 + "\n"


def _make(target: Target) -> str:
    return diffs.join(diffs.new_file(f"{target.roots[0]}huge.py", _LINE * (_SIZE // len(_LINE))))


ATTACK = Attack(__name__, __doc__, "resources", _make, may_fail=True, joins=False, beats="none")
