"""Look for the fix in stashes, notes, replacements and bisect or rebase state."""

from __future__ import annotations

from r2egym.attacks.base import Attack

CODE = r"""
cd /testbed || exit 1
g() { git -c safe.directory='*' "$@"; }
g stash list -p
for ref in $(g for-each-ref --format='%(refname)' refs/notes refs/replace refs/stash refs/original refs/bisect); do
    g log --format=%H -p "$ref" -- || g show "$ref"
done
g notes list | while read -r note object; do g show "$note"; done
find .git -maxdepth 2 \( -name 'rebase-*' -o -name 'sequencer' -o -name '*_MSG' -o -name '*EDITMSG' \) -exec cat {} + 2>/dev/null
"""

ATTACK = Attack(__name__, __doc__, "scripts", code=CODE, beats="leak")
