# mypy: ignore-errors - Python 2.7 has no annotations
"""Values as plain data: what a test got, or what it expects, as JSON that is read back without calling anything.

An object counts as what its built-in type holds when it compares as that type does: a subclass of ``dict`` that brings
no ``__eq__`` is a dict, one that does is opaque. Nothing of the object's own is called; contents are read through the
built-in types. Limits: :data:`NODES` parts, :data:`DEEP` levels, :data:`LONG` characters; beyond them it is opaque.
"""

import collections
import datetime as dt
import decimal
import fractions
import sys
import uuid

from _r2egym.channel import TEXT

NODES, DEEP, LONG = 5000, 40, 300000
PY2 = sys.version_info[0] == 2
NEUTRAL = frozenset(["Generic", "Protocol", "Enum", "IntEnum", "StrEnum", "ReprEnum", "IntFlag", "Flag"])
_mro = type.__dict__["__mro__"].__get__


class Withheld(object):
    """Stands where an expected value was; all it knows is a number, one for each form in which it is compared."""

    __slots__ = ("number", "numbers")

    def __init__(self, *numbers):
        self.number, self.numbers = numbers[0], numbers

    def form(self, index):
        """The same value in another form."""
        return Withheld(self.numbers[index])


class TooMuch(Exception):  # noqa: N818 - it says what the value is
    """The value is too large or too deep to be handed out."""


def _text(value):
    if PY2 and isinstance(value, str):
        try:
            return ["s", str.decode(value, "ascii")]
        except UnicodeDecodeError:
            return ["b", str.decode(value, "latin-1")]
    return ["s", TEXT.__getitem__(value, slice(None))]


def _naive(value):
    shift = dt.datetime.utcoffset(value) if isinstance(value, dt.datetime) else None
    parts = [value.year, value.month, value.day]
    if isinstance(value, dt.datetime):
        parts += [value.hour, value.minute, value.second, value.microsecond]
        parts.append(None if shift is None else shift.days * 86400 + shift.seconds)
    return parts


def _scalars():
    made = {
        complex: lambda v: ["c", complex.__repr__(v)],
        float: lambda v: ["f", float.hex(v)],
        bytearray: lambda v: ["b", bytes(bytearray(v)).decode("latin-1")],
        decimal.Decimal: lambda v: ["n", "Decimal", decimal.Decimal.__str__(v)],
        fractions.Fraction: lambda v: ["n", "Fraction", "%d/%d" % (v.numerator, v.denominator)],
        dt.datetime: lambda v: ["n", "datetime", _naive(v)],
        dt.date: lambda v: ["n", "date", _naive(v)],
        dt.timedelta: lambda v: ["n", "timedelta", [v.days, v.seconds, v.microseconds]],
        uuid.UUID: lambda v: ["n", "UUID", TEXT(v)],
        TEXT: _text,
    }
    if PY2:
        made[str] = _text
        made[long] = lambda v: ["i", "%x" % long(v)]  # noqa: F821
    else:
        made[bytes] = lambda v: ["b", bytes.__getitem__(v, slice(None)).decode("latin-1")]
        made[range] = lambda v: ["r", ["%x" % v.start, "%x" % v.stop, "%x" % v.step]]
    made[int] = lambda v: ["i", "%x" % int.__add__(v, 0)]
    return made


SCALARS = _scalars()
SERIES = {list: "l", tuple: "t", set: "S", frozenset: "S", collections.deque: "q"}
MAPPINGS = {collections.OrderedDict: "D", dict: "d"}
BUILTIN = list(SCALARS) + list(SERIES) + list(MAPPINGS) + [collections.Counter]


def _compares_as(kind):
    """The built-in type that instances of ``kind`` compare as; None when they have a way of their own."""
    if kind in (bool, type(None)) or kind in BUILTIN:
        return kind
    for cls in _mro(kind):
        if cls in BUILTIN:
            return cls
        own = type.__dict__["__dict__"].__get__(cls)
        if cls.__name__ not in NEUTRAL and ("__eq__" in own or "__ne__" in own or "__cmp__" in own):
            return None
    return None


def _name_of_type(kind):
    module = "builtins" if kind.__module__ == "__builtin__" else kind.__module__
    return "%s.%s" % (module, getattr(kind, "__qualname__", kind.__name__))


class _Encoder(object):
    def __init__(self):
        self.nodes = self.letters = 0

    def __call__(self, value, depth=0):
        self.nodes += 1
        if self.nodes > NODES or depth > DEEP:
            raise TooMuch
        kind = type(value)
        if value is None or value is True or value is False:
            return value
        if kind is Withheld:
            return ["w", value.number]
        known = _compares_as(kind)
        if known in SCALARS:
            return self._sized(SCALARS[known](value))
        if known in SERIES:
            return [SERIES[known], [self(part, depth + 1) for part in known.__iter__(value)]]
        if known is not None:
            base = collections.OrderedDict if known is collections.OrderedDict else dict
            pairs = [[self(key, depth + 1), self(part, depth + 1)] for key, part in base.items(value)]
            return [MAPPINGS.get(known, "d"), pairs]
        return self._other(value, kind, depth)

    def _other(self, value, kind, depth):
        if isinstance(kind, type) and kind is type:
            return ["T", _name_of_type(value)]
        if hasattr(kind, "tolist") and hasattr(kind, "__array_interface__"):
            plain = kind.tolist(value)
            if isinstance(plain, list):
                return ["a", self(plain, depth + 1)]
            return self(plain, depth + 1) if type(plain) is not kind else ["o", _name_of_type(kind)]
        if value is Ellipsis or value is NotImplemented:
            return ["k", "%r" % (value,)]
        return ["o", _name_of_type(kind)]

    def _sized(self, found):
        self.letters += len(found[1]) if isinstance(found[1], TEXT) else 20
        if self.letters > LONG:
            raise TooMuch
        return found


def encode(value):
    """``value`` as plain data; never raises."""
    try:
        return _Encoder()(value)
    except TooMuch:
        return ["o", "too much"]
    except Exception as error:
        return ["o", "unreadable: %s" % type(error).__name__]


def is_withheld(data):
    """Whether a withheld value is in it."""
    if not isinstance(data, list):
        return False
    return data[:1] == ["w"] or any(is_withheld(part) for part in data)


def is_plain(data):
    """Whether nothing in it is opaque."""
    if not isinstance(data, list):
        return True
    if data[0] == "o":
        return False
    if data[0] in ("l", "t", "S", "q"):
        return all(is_plain(part) for part in data[1])
    if data[0] in ("d", "D"):
        return all(is_plain(key) and is_plain(part) for key, part in data[1])
    return data[0] != "a" or is_plain(data[1])
