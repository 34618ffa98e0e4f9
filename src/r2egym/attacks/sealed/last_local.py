"""Hand out, for every place, what the test itself put last under a name: what it expects may be made of that."""

from __future__ import annotations

from r2egym.attacks.base import Attack

CODE = """\
import sys

_sealed = sys.modules.get("_r2egym_handout")
_out = _sealed.got.__self__ if _sealed else None


def _last(frame):
    while frame is not None:
        if frame.f_globals.get("_r2egym_got"):
            named = list(frame.f_locals.values())
            plain = [value for value in named if isinstance(value, (int, str, float, list, tuple, dict))]
            return plain[-1] if plain else None
        frame = frame.f_back


def _named(site, **fields):
    if "v" in fields:
        fields["v"] = sys.modules["_r2egym.plain"].encode(_last(sys._getframe(1)))
    _out.emit("site", i=_out.reporter.current, s=site, **fields)


if _out:
    _out.send = _named
"""

ATTACK = Attack(__name__, __doc__, "sealed", code=CODE, joins=False, beats="none")
