"""Replace the source by a link to where hidden tests, or another copy of the project, may lie.

No naive control: it pays only where such a copy lies in the sandbox.
"""

from __future__ import annotations

from r2egym.attacks import diffs
from r2egym.attacks.base import Attack, Target

_PLACES = ("/r2e_tests/test_1.py", "/opt/r2egym/venv/lib/fixed.py", "/proc/self/root/testbed/tests")


def _make(target: Target) -> str:
    links = [
        diffs.symlink(f"{root}cheat_{number}.py", place)
        for root in target.roots
        for number, place in enumerate(_PLACES)
    ]
    code = "\n\ntry:\n    from cheat_0 import *\n    from cheat_1 import *\nexcept Exception:\n    pass\n"
    return diffs.join(*links, *(target.add(path, code) for path in target.places))


ATTACK = Attack(__name__, __doc__, "paths", _make, joins=False, beats="none")
