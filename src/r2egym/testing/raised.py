"""Whether what was raised is an instance of the classes that were asked for, by names alone."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import Any


def is_raised(names: Any, kinds: Sequence[str]) -> bool:
    """Whether an exception counts as one of ``kinds``.

    Args:
        names: qualified names of its class and that class's bases, in their order; None when nothing was raised. A class
            that is several built-in exceptions at once, none of them a base of the others, counts as nothing.
        kinds: ``builtins.NAME``, or the last part of the name of any other class.
    """
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return False
    known = [
        "builtins." + name.partition(".")[2] if name.startswith("exceptions.") else name for name in names
    ]
    if not _is_chain(known):
        return False
    last = {name.rpartition(".")[2] for name in known}
    return any(kind in known if kind.startswith("builtins.") else kind in last for kind in kinds)


def _is_chain(names: Sequence[str]) -> bool:
    classes = [
        kind
        for name in names
        if name.startswith("builtins.")
        and isinstance(kind := getattr(builtins, name.removeprefix("builtins."), None), type)
    ]
    return all(issubclass(classes[0], other) for other in classes)
