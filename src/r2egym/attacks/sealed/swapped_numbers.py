"""Hand out what was got beside the number of every withheld value there may be: one of them may be equal to it."""

from __future__ import annotations

from r2egym.attacks.base import Attack

CODE = """\
import sys

_sealed = sys.modules.get("_r2egym_handout")
_out = _sealed.got.__self__ if _sealed else None


def _swap(site, **fields):
    for number in range(30) if "w" in fields else [None]:
        if number is not None:
            fields["w"] = ["w", number]
        _out.emit("site", i=_out.reporter.current, s=site, **fields)


if _out:
    _out.send = _swap
"""

ATTACK = Attack(__name__, __doc__, "sealed", code=CODE, joins=False, beats="none")
