"""Hand out the first thing that a test found, with the constant that it belongs to, for all of its places."""

from __future__ import annotations

from r2egym.attacks.base import Attack

CODE = """\
import sys

_sealed = sys.modules.get("_r2egym_handout")
_out = _sealed.got.__self__ if _sealed else None


_first = {}


def _repeat(site, **fields):
    known = _first.setdefault(_out.reporter.current, dict(fields))
    _out.emit("site", i=_out.reporter.current, s=site, **dict(fields, **known))


if _out:
    _out.send = _repeat
"""

ATTACK = Attack(__name__, __doc__, "sealed", code=CODE, joins=False, beats="none")
