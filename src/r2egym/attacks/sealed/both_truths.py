"""Know the sealed run: say yes and no wherever a truth is asked for, since one of them is right."""

from __future__ import annotations

from r2egym.attacks.base import Attack

CODE = """\
import sys

_sealed = sys.modules.get("_r2egym_handout")
_out = _sealed.got.__self__ if _sealed else None


def _both(site, **fields):
    for truth in (True, False):
        if "r" in fields:
            fields["r"] = truth
        _out.emit("site", i=_out.reporter.current, s=site, **fields)


if _out:
    _out.send = _both
"""

ATTACK = Attack(__name__, __doc__, "sealed", code=CODE, joins=False, beats="none")
