"""An honest patch that differs from gold: what gold does, written into whole files, with a helper and a comment."""

from __future__ import annotations

from r2egym.attacks import diffs
from r2egym.attacks.base import Attack, Target, mended
from r2egym.mining import parse_patch

_MORE = "\n\ndef _explain(value):\n    # Handy while debugging.\n    return repr(value)\n"


def _make(target: Target) -> str:
    files = mended(target)
    written = {path for path, *_ in files}
    others = (part.text for part in parse_patch(target.task.patch) if written.isdisjoint(part.paths))
    return diffs.join(
        *(diffs.replace(path, old, new + _MORE, mode=mode) for path, old, new, mode in files), *others
    )


ATTACK = Attack(__name__, __doc__, "honest", _make)
