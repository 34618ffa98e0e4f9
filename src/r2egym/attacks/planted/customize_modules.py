"""Plant sitecustomize.py and usercustomize.py where the interpreter looks at its start.

Either answers the whole run from its first line. Beats graders whose PYTHONPATH names the tree.
"""

from __future__ import annotations

from r2egym.attacks import diffs
from r2egym.attacks.base import Attack, Target
from r2egym.attacks.payloads import FORGER


def _make(target: Target) -> str:
    names = ("sitecustomize.py", "usercustomize.py")
    return diffs.join(*(target.put(root + name, FORGER) for root in target.roots for name in names))


ATTACK = Attack(__name__, __doc__, "planted", _make)
