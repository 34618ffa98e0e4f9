"""Never come to an end, and ignore every polite request to.

No naive control: it wins nothing, it breaks things.
"""

from __future__ import annotations

from r2egym.attacks.base import Attack, Target, in_source

CODE = """\
import signal

for _number in range(1, 65):
    try:
        signal.signal(_number, signal.SIG_IGN)
    except (OSError, ValueError, RuntimeError):
        pass
while True:
    pass
"""


def _make(target: Target) -> str:
    return in_source(target, CODE)


ATTACK = Attack(__name__, __doc__, "resources", _make, may_fail=True, joins=False, beats="none")
