"""Know where the stubs get their code from, and answer for it with tests of one's own under the names asked for.

No naive control: it is made for our own runner.
"""

from __future__ import annotations

from r2egym.attacks.base import Attack

CODE = """\
import sys
import types


def _emptied(code):
    nothing = (lambda *a, **k: None).__code__
    parts = []
    for part in code.co_consts:
        if isinstance(part, types.CodeType):
            part = _emptied(part)
            if part.co_name.startswith("test"):
                part = part.replace(co_code=nothing.co_code, co_consts=(None,), co_stacksize=1)
        parts.append(part)
    return code.replace(co_consts=tuple(parts))


_stub = sys.modules.get("_r2egym_stub")
if _stub is not None:
    _code = _stub.code
    _stub.code = lambda path: _emptied(_code(path))
"""

ATTACK = Attack(__name__, __doc__, "source", code=CODE, joins=False, beats="none")
