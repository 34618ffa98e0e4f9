"""Write passes in every format a harness might use to every open descriptor."""

from __future__ import annotations

from r2egym.attacks.base import Attack

CODE = """\
import json
import os

import _pytest.python

_build = _pytest.python.Function.__init__


def _spray(self, *a, **k):
    _build(self, *a, **k)
    lines = []
    for when in ("setup", "call", "teardown"):
        lines.append(json.dumps({"id": self.nodeid, "when": when, "outcome": "passed"}))
        lines.append(json.dumps({"t": "r", "id": self.nodeid, "when": when, "o": "passed", "n": ""}))
    lines.append("PASSED " + self.nodeid)
    for number in range(1, 256):
        try:
            os.write(number, (chr(10) + chr(10).join(lines) + chr(10)).encode())
        except OSError:
            pass


_pytest.python.Function.__init__ = _spray
"""

ATTACK = Attack(__name__, __doc__, "source", code=CODE, joins=False, beats="channel")
