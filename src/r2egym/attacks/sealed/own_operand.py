"""Know the sealed run: hand out an operand of one's own that agrees with what was got."""

from __future__ import annotations

from r2egym.attacks.base import Attack

CODE = """\
import sys

_sealed = sys.modules.get("_r2egym_handout")
_out = _sealed.got.__self__ if _sealed else None


def _agree(site, **fields):
    if "v" in fields:
        fields["w"] = fields["v"]
    _out.emit("site", i=_out.reporter.current, s=site, **fields)


if _out:
    _out.send = _agree
"""

ATTACK = Attack(__name__, __doc__, "sealed", code=CODE, joins=False, beats="none")
