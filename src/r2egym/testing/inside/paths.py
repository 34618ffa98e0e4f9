# mypy: ignore-errors - Python 2.7 has no annotations
"""Where the packages under test are imported from."""

import os
import sys


def offer(roots):
    """Put the source roots last: what is found there is found nowhere else, so nothing is shadowed."""
    sys.path.extend(root for root in roots if root not in sys.path)


def add(roots):
    """Put the source roots first, for this process and for those it starts."""
    for root in reversed(roots):
        if root in sys.path:
            sys.path.remove(root)
        sys.path.insert(0, root)
    os.environ["PYTHONPATH"] = os.pathsep.join(roots)


def origins(packages):
    """``{package: file}`` for the packages that were imported; a package without a file gives its folder."""
    found = {}
    for name in packages:
        module = sys.modules.get(name)
        if module is not None:
            place = getattr(module, "__file__", None)
            if not place:
                place = (list(getattr(module, "__path__", [])) or [""])[0]
            found[name] = str(place)
    return found
