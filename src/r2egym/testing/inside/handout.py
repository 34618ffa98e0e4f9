# mypy: ignore-errors - Python 2.7 has no annotations
"""What sealed tests call in place of asserting: it hands out what they got, and judges nothing.

Everything used is bound before any code of the task runs. The same finding of the same place in the same test is
handed out once; of many different ones the first :data:`MOST`.
"""

import json
import sys
import types

from _r2egym.channel import text_of
from _r2egym.plain import Withheld, _name_of_type, encode, is_plain, is_withheld

MODULE = "_r2egym_handout"
MOST = 200
MESSAGE = 4000


class HandOut(object):
    """Hands out what the test that runs now got."""

    def __init__(self, emit):
        self.emit = emit
        self.reporter = None
        self.test, self.seen, self.counts = None, set(), {}

    def watch(self, reporter):
        """``reporter.current`` is the number of the test that runs, or None."""
        self.reporter = reporter

    def send(self, site, **fields):
        """One finding."""
        test = self.reporter.current if self.reporter is not None else None
        if test is None:
            return
        if test != self.test:
            self.test, self.seen, self.counts = test, set(), {}
        text = json.dumps([site, fields], sort_keys=True)
        if text in self.seen or self.counts.get(site, 0) >= MOST:
            return
        self.seen.add(text)
        self.counts[site] = self.counts.get(site, 0) + 1
        self.emit("site", i=test, s=site, **fields)

    def got(self, site, value, operand, compare=None):
        """``value`` is compared with ``operand``; ``compare`` does so here, for objects that are no plain data."""
        fields = {"v": encode(value), "w": encode(operand)}
        if compare is not None and not (
            is_withheld(fields["w"]) or (is_plain(fields["v"]) and is_plain(fields["w"]))
        ):
            fields["r"] = bool(compare(value, operand))
        self.send(site, **fields)

    def truth(self, site, value):
        """``value`` is asked for its truth; which one is wanted is not known here."""
        self.send(site, r=bool(value))
        return True

    def raises(self, site, function=None, *args, **kwargs):
        """A context in which something is raised, or the call in which it is."""
        if function is None:
            return Raising(self, site)
        with Raising(self, site) as info:
            function(*args, **kwargs)
        return info


class Info(object):
    """What ``as`` binds: pytest's and unittest's names for it."""

    value = type = tb = exception = None

    def match(self, _pattern):
        return True

    def __str__(self):
        return text_of(self.value)


def _passes(kind):
    """Ends of a test that are none of its assertions' business."""
    if kind is None or kind is KeyboardInterrupt or kind.__name__ == "TestTimeout":
        return True
    return any(cls.__module__.startswith(("_pytest.", "unittest")) for cls in kind.__mro__) and (
        not issubclass(kind, AssertionError)
    )


class Raising(object):
    """Lets nothing out but the ends of a test, and tells what was raised."""

    def __init__(self, out, site):
        self.out, self.site, self.info = out, site, None

    def __enter__(self):
        self.info = Info()
        return self.info

    def __exit__(self, kind, value, trace):
        if kind is not None and _passes(kind):
            return False
        if kind is None:
            self.out.send(self.site, e=None)
            return False
        if not isinstance(value, kind):  # Python 2 may hand over a bare argument
            value = kind(value)
        self.info.value = self.info.exception = value
        self.info.type, self.info.tb = kind, trace
        names = [_name_of_type(cls) for cls in kind.__mro__]
        self.out.send(self.site, e=names, m=text_of(value, MESSAGE))
        return True


def install(emit):
    """Make ``import _r2egym_handout`` work; returns the :class:`HandOut`."""
    out = HandOut(emit)
    module = types.ModuleType(MODULE)
    module.got, module.truth, module.raises = out.got, out.truth, out.raises
    module.withheld, module.form = Withheld, Withheld.form
    sys.modules[MODULE] = module
    return out
