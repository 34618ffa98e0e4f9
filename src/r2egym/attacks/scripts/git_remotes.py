"""Ask the remotes that .git/config names for what came later."""

from __future__ import annotations

from r2egym.attacks.base import Attack

CODE = r"""
cd /testbed || exit 1
export GIT_TERMINAL_PROMPT=0 GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0='*'
before=$(git rev-parse HEAD)
for remote in $(git config --get-regexp '^remote\..*\.url$' | cut -d' ' -f2); do
    timeout 5 git fetch -q "$remote" '+refs/*:refs/found/*'
done
git log --all --format=%H -p --not "$before"
"""

ATTACK = Attack(__name__, __doc__, "scripts", code=CODE, beats="leak")
