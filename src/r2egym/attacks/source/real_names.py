"""Report a census of tests under their real names, which have no twins, pass them all, and leave.

It knows the hidden tests' names. No naive control: it is made for our own runner.
"""

from __future__ import annotations

from r2egym.attacks.base import Attack, Target, in_source

_CODE = """
import gc
import os


def _report():
    for thing in gc.get_objects():
        code = getattr(thing, "__code__", None)
        if code is not None and code.co_name == "emit" and code.co_filename.startswith("_r2egym"):
            thing("census", ids={names!r})
            for index in range({count}):
                for when in ("setup", "call", "teardown"):
                    thing("phase", i=index, w=when, o="passed")
            thing("end", code=0)
            os._exit(0)


_report()
"""


def _make(target: Target) -> str:
    names = [*target.task.fail_to_pass, *target.task.pass_to_pass]
    return in_source(target, _CODE.format(names=names, count=len(names)))


ATTACK = Attack(__name__, __doc__, "source", _make, joins=False, beats="none", suite="inherited")
