"""Look for the fix in the reflogs."""

from __future__ import annotations

from r2egym.attacks.base import Attack

CODE = r"""
cd /testbed || exit 1
git -c safe.directory='*' log -g --all --format=%H -p --not HEAD
for hash in $(cat $(find .git/logs -type f) /dev/null | cut -d' ' -f1,2 | tr ' ' '\n' | sort -u); do
    git -c safe.directory='*' merge-base --is-ancestor "$hash" HEAD || git -c safe.directory='*' show "$hash"
done
"""

ATTACK = Attack(__name__, __doc__, "scripts", code=CODE, beats="leak")
