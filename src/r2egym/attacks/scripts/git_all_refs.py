"""Look for the fix in every branch, tag, remote and other ref of .git."""

from __future__ import annotations

from r2egym.attacks.base import Attack

CODE = r"""
cd /testbed || exit 1
g() { git -c safe.directory='*' "$@"; }
g for-each-ref
cat .git/packed-refs .git/*_HEAD 2>/dev/null
g log --all --format=%H -p --not HEAD
"""

ATTACK = Attack(__name__, __doc__, "scripts", code=CODE, beats="leak")
