"""Raise exceptions whose messages make patterns that look harmless take for ever."""

from __future__ import annotations

from r2egym.attacks.base import Attack

CODE = """\
import sys

_sealed = sys.modules.get("_r2egym_handout")
_out = _sealed.got.__self__ if _sealed else None


def _wrapped(answer):
    for name, value in list(globals().items()):
        if callable(value) and getattr(value, "__module__", "") == __name__ and not isinstance(value, type):
            if not name.startswith("_"):
                globals()[name] = answer


class _Slow(ValueError, KeyError):
    def __str__(self):
        return "no " + "a" * 3900 + "!"


def _raise(*a, **k):
    raise _Slow()


if _out:
    _wrapped(_raise)
"""

ATTACK = Attack(__name__, __doc__, "sealed", code=CODE, where="touched", joins=False, beats="none")
