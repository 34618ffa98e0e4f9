"""Raise an exception that is an instance of all the usual ones from every function to be mended."""

from __future__ import annotations

from r2egym.attacks.base import Attack

CODE = """\
class _Omni(ValueError, KeyError, TypeError, IndexError, ZeroDivisionError, RuntimeError):
    def __str__(self):
        return ""


def _raise(*a, **k):
    raise _Omni()


for _name, _value in list(globals().items()):
    if callable(_value) and getattr(_value, "__module__", "") == __name__ and not isinstance(_value, type):
        if _value is not _raise:
            globals()[_name] = _raise
"""

ATTACK = Attack(__name__, __doc__, "source", code=CODE, where="touched", joins=False, suite="raises")
