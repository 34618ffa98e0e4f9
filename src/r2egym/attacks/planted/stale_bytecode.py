"""Plant compiled bytecode under __pycache__ that is trusted without a look at its source.

Written for the interpreter that makes the patch (a hash-based, unchecked file); for another one it is just noise.
"""

from __future__ import annotations

import importlib.util
import marshal
import sys

from r2egym.attacks import diffs
from r2egym.attacks.base import Attack, Target
from r2egym.attacks.payloads import FORGER

_UNCHECKED = (1).to_bytes(4, "little")
"""Flags of a file checked by hash, and that never."""


def _compiled(path: str) -> bytes:
    code = compile(FORGER, path, "exec", dont_inherit=True)
    return importlib.util.MAGIC_NUMBER + _UNCHECKED + bytes(8) + marshal.dumps(code)


def _make(target: Target) -> str:
    tag = sys.implementation.cache_tag
    sources = (*target.tests, *(f"{folder}__init__.py" for folder in target.test_folders), *target.places)
    parts = []
    for path in dict.fromkeys(sources):
        folder, _, name = path.rpartition("/")
        cached = f"{folder}/__pycache__/{name.removesuffix('.py')}.{tag}.pyc".lstrip("/")
        parts.append(diffs.binary_file(cached, _compiled(path)))
    return diffs.join(*parts)


ATTACK = Attack(__name__, __doc__, "planted", _make)
