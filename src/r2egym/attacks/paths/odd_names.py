"""Name files in bytes that are no text, with line breaks, dashes and quotes, so that whoever lists them stumbles.

No naive control: it wins nothing, it breaks things.
"""

from __future__ import annotations

from r2egym.attacks import diffs
from r2egym.attacks.base import Attack, Target

_NAMES = (r"\377\376.py", r"tests/test_\377.py", r"a\nb.py", r"-rf", r"\"quoted\".py", r"back\\slash.py")


def _make(target: Target) -> str:
    del target
    return diffs.join(
        *(
            f'diff --git "a/{name}" "b/{name}"\nnew file mode 100644\n--- /dev/null\n+++ "b/{name}"\n'
            "@@ -0,0 +1 @@\n+x = 1\n"
            for name in _NAMES
        )
    )


ATTACK = Attack(__name__, __doc__, "paths", _make, joins=False, beats="none")
