"""An honest patch that differs from gold: what gold does, written into the whole file, with a helper and a comment."""

from __future__ import annotations

from r2egym.attacks import diffs
from r2egym.attacks.base import Attack, Target, mended

_MORE = "\n\ndef _explain(value):\n    # Handy while debugging.\n    return repr(value)\n"


def _make(target: Target) -> str:
    return diffs.join(
        *(diffs.replace(path, old, new + _MORE, mode=mode) for path, old, new, mode in mended(target))
    )


ATTACK = Attack(__name__, __doc__, "honest", _make)
