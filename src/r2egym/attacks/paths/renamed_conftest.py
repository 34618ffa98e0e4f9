"""Smuggle a conftest.py in as a source file that the same patch copies or renames."""

from __future__ import annotations

from r2egym.attacks import diffs
from r2egym.attacks.base import Attack, Target
from r2egym.attacks.payloads import PLUGIN


def _make(target: Target) -> str:
    # Git takes each part against the base commit, so the source of the copy must be there: the cheat is added to it.
    path = target.places[0]
    old = target.text(path) or ""
    return (
        f"diff --git a/{path} b/conftest.py\nsimilarity index 90%\ncopy from {path}\ncopy to conftest.py\n"
        f"--- a/{path}\n+++ b/conftest.py\n" + target.add(path, PLUGIN).partition(f"+++ b/{path}\n")[2]
        if old
        else diffs.new_file("conftest.py", PLUGIN)
    )


ATTACK = Attack(__name__, __doc__, "paths", _make, joins=False, beats="log")
