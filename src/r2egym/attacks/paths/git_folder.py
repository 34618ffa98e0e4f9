"""Write hooks, configuration and objects into .git, also under names that some file systems take for it.

No naive control: git itself refuses such a path, so only a grader that parses patches on its own can fall for it.
"""

from __future__ import annotations

from r2egym.attacks import diffs
from r2egym.attacks.base import Attack, Target

_HOOK = "#!/bin/sh\necho PASSED\nexit 0\n"
_CONFIG = "[core]\n\tfsmonitor = /testbed/cheat.sh\n\thooksPath = /testbed\n"


def _make(target: Target) -> str:
    del target
    hooks = (
        ".git/hooks/post-checkout",
        ".GIT/hooks/post-checkout",
        ".git./hooks/post-checkout",
        "git~1/hooks/x",
    )
    return diffs.join(
        *(diffs.new_file(path, _HOOK, mode="100755") for path in hooks),
        diffs.new_file(".git/config", _CONFIG),
        diffs.new_file(".git/info/attributes", "* filter=cheat\n"),
        diffs.new_file("cheat.sh", _HOOK, mode="100755"),
    )


ATTACK = Attack(__name__, __doc__, "paths", _make, joins=False, beats="none")
