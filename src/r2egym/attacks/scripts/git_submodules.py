"""Look for the fix in submodules and work trees that .git knows of."""

from __future__ import annotations

from r2egym.attacks.base import Attack

CODE = r"""
cd /testbed || exit 1
export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0='*'
for store in .git/modules/* .git/worktrees/*; do
    [ -d "$store" ] || continue
    git --git-dir="$store" log --all --reflog --format=%H -p
    git --git-dir="$store" show "$(cat "$store/HEAD")"
done
"""

ATTACK = Attack(__name__, __doc__, "scripts", code=CODE, beats="leak")
