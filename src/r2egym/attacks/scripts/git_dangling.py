"""Look for the fix among all objects of .git, reached by nothing or not."""

from __future__ import annotations

from r2egym.attacks.base import Attack

CODE = r"""
cd /testbed || exit 1
g() { git -c safe.directory='*' "$@"; }
g rev-list --objects HEAD | cut -d' ' -f1 | sort > /tmp/reached
g cat-file --batch-all-objects --batch-check='%(objectname)' | sort > /tmp/there
comm -13 /tmp/reached /tmp/there | while read -r hash; do
    echo "$hash"
    g cat-file -p "$hash"
done
"""

ATTACK = Attack(__name__, __doc__, "scripts", code=CODE, beats="leak")
