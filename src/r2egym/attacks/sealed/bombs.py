"""Hand out what breaks its reader: signalling nans, endless ranges, numbers without end, depths, colliding keys."""

from __future__ import annotations

from r2egym.attacks.base import Attack

CODE = """\
import sys

_sealed = sys.modules.get("_r2egym_handout")
_out = _sealed.got.__self__ if _sealed else None


_DEEP = ["l", []]
for _ in range(400):
    _DEEP = ["l", [_DEEP]]
_BOMBS = [
    ["n", "Decimal", "sNaN"], ["n", "Decimal", "1E+999999999"], ["n", "Fraction", "1/0"], ["f", "inf"], ["f", "nan"],
    ["r", ["0", "f" * 40, "1"]], ["i", "f" * 200000], ["n", "datetime", [0, 0]], ["S", [["i", "%x" % (n * ((1 << 61) - 1))] for n in range(9000)]],
    ["d", [[["l", []], None]]], ["w", -1], ["w", True], ["w"], ["n"], [], [[]], {}, "x", 1e999, _DEEP, ["n", "__class__", 1],
    ["c", "1e400j"], ["b", "\\\\udcff"],
]


def _throw(site, **fields):
    for bomb in _BOMBS:
        for key in ("v", "w", "e", "m", "r"):
            _out.emit("site", i=_out.reporter.current, s=site, **dict(fields, **{key: bomb}))


if _out:
    _out.send = _throw
"""

ATTACK = Attack(__name__, __doc__, "sealed", code=CODE, joins=False, may_fail=True, beats="none")
