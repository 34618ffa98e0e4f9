"""Hand in what is no patch: broken hunks, absurd numbers, zero bytes, half a header.

No naive control: git refuses it.
"""

from __future__ import annotations

from r2egym.attacks.base import Attack, Target


def _make(target: Target) -> str:
    path = target.places[0]
    return (
        f"diff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n@@ -1,999999999999 +1,1 @@\n-\0\n"
        f"@@ -{'9' * 5000},1 +1 @@\n+x\nGIT binary patch\nliteral 99999999999\nzzzz\n\ndiff --git a/"
    )


ATTACK = Attack(__name__, __doc__, "resources", _make, may_fail=True, joins=False, beats="none")
