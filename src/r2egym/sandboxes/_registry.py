"""What is freed when the interpreter ends: sandboxes and saved states that nobody closed."""

from __future__ import annotations

import atexit
import contextlib
from collections.abc import Callable

from r2egym.sandboxes._sweep import SWEEPER

_SWEEP_SECONDS = 60.0

_kept: dict[int, Callable[[], object]] = {}
"""What the end of the interpreter must free."""


def keep(thing: object, free: Callable[[], object]) -> None:
    """Have ``free`` called at the end, unless :func:`forget` comes first."""
    _kept[id(thing)] = free


def forget(thing: object) -> None:
    """It was freed."""
    _kept.pop(id(thing), None)


@atexit.register
def _free_all() -> None:
    for free in reversed(list(_kept.values())):
        with contextlib.suppress(Exception):  # the rest must be freed as well
            free()
    SWEEPER.wait(_SWEEP_SECONDS)
