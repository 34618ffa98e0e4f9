"""Matching patterns against messages that untrusted code chose: in a sandbox of its own, with a time limit.

A message can make a harmless pattern take for ever; the task's own interpreter also knows best what a pattern means.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from r2egym.sandboxes.base import Backend, SandboxConfig
from r2egym.testing.machinery import MATCHING, cleared, command, package

_SECONDS = 20.0


def match_all(
    backend: Backend, clean_config: SandboxConfig, pairs: Sequence[tuple[str, str]]
) -> list[bool | None]:
    """Whether each pattern is found in its text; None where it is none, and for all when that takes too long.

    Args:
        backend: where.
        clean_config: a sandbox that holds nothing of a patch.
        pairs: pattern, text.

    Raises:
        SandboxError: the sandbox broke.
    """
    if not pairs:
        return []
    stdin = package(MATCHING, {"pairs": [list(pair) for pair in pairs]})
    done = backend.run(cleared(clean_config, 0), command(), timeout=_SECONDS, stdin=stdin)
    try:
        found = json.loads(done.stdout)
    except ValueError:
        found = []
    return (
        [one if one is None else bool(one) for one in found]
        if len(found) == len(pairs)
        else [None] * len(pairs)
    )
