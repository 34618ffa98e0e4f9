"""Hand out, for every place, each constant that the test's code still holds, and the usual small ones."""

from __future__ import annotations

from r2egym.attacks.base import Attack

CODE = """\
import sys

_sealed = sys.modules.get("_r2egym_handout")
_out = _sealed.got.__self__ if _sealed else None


def _constants(frame):
    found = [0, 1, -1, "", None, True, False, [], 2, 10]
    while frame is not None:
        if frame.f_globals.get("_r2egym_got"):
            found += [value for value in frame.f_code.co_consts if isinstance(value, (int, str, float, tuple))]
        frame = frame.f_back
    return found


def _try_all(site, **fields):
    for value in _constants(sys._getframe(1)):
        if "v" in fields:
            fields["v"] = sys.modules["_r2egym.plain"].encode(value)
        _out.emit("site", i=_out.reporter.current, s=site, **fields)


if _out:
    _out.send = _try_all
"""

ATTACK = Attack(__name__, __doc__, "sealed", code=CODE, joins=False, beats="none")
