"""Reading what sealed tests handed out: plain data, which untrusted code may have made up, becomes built-in values.

``inside/plain.py`` writes it. Nothing is called that the data names, and nothing is made that takes long to compare.
"""

from __future__ import annotations

import datetime as dt
import math
import uuid
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

_PARTS = 40_000
_COLLISIONS = 50
Plain = Any
"""What JSON gives."""


class UnreadableError(ValueError):
    """No plain data, or data that stands for an object that is none."""


@dataclass(frozen=True)
class Approx:
    """``pytest.approx`` of something."""

    expected: Any
    rel: float | None = None
    abs: float | None = None
    nan_ok: bool = False


@dataclass(frozen=True)
class Kind:
    """A class, known by name."""

    name: str


@dataclass(frozen=True)
class Array:
    """What numpy's ``tolist`` gave."""

    parts: list[Any] = field(default_factory=list)


def decode(data: Plain, constants: Sequence[Plain] = ()) -> Any:
    """A value of built-in types.

    Args:
        data: as ``plain.encode`` writes it.
        constants: what the numbers of withheld values stand for; none: there must not be any.

    Raises:
        UnreadableError: it is no plain value.
    """
    if not _is_small(data):
        raise UnreadableError("more than a test hands out")
    try:
        return _decode(data, constants)
    except UnreadableError:
        raise
    except (ValueError, TypeError, KeyError, IndexError, ArithmeticError, RecursionError) as error:
        raise UnreadableError(str(error)) from None


def _is_small(data: Plain) -> bool:
    """Whether comparing it takes no time to speak of, however it was made up: sets and dicts can be made slow."""
    pending, seen = [data], 0
    while pending:
        part = pending.pop()
        if isinstance(part, list):
            seen += len(part)
            pending.extend(part)
        if seen > _PARTS:
            return False
    return True


def _range(parts: Sequence[str]) -> range:
    found = range(*(int(part, 16) for part in parts))
    if len(found) > _PARTS:
        raise UnreadableError("a range that takes long to walk through")
    return found


def _keys(values: list[Any]) -> list[Any]:
    """Keys of a set or a dict, unless they were chosen to have one hash: then looking one up takes for ever."""
    if len(values) - len(set(map(hash, values))) > _COLLISIONS:
        raise UnreadableError("keys that were made to collide")
    return values


def _decode(data: Plain, constants: Sequence[Plain]) -> Any:
    if data is None or isinstance(data, bool):
        return data
    tag, *rest = data
    if tag == "w":
        return _constant(rest[0], constants)
    if tag in _SERIES:
        return _SERIES[tag]([_decode(part, constants) for part in rest[0]])
    if tag in {"d", "D"}:
        pairs = [(_decode(key, constants), _decode(part, constants)) for key, part in rest[0]]
        _keys([key for key, _ in pairs])
        return OrderedDict(pairs) if tag == "D" else dict(pairs)
    if tag == "a":
        return Array(_decode(rest[0], constants))
    reader = _SCALARS.get(tag)
    if reader is None:
        raise UnreadableError(f"an object: {str(rest)[:80]}")
    return reader(*rest)


def _constant(number: Any, constants: Sequence[Plain]) -> Any:
    if type(number) is not int or not 0 <= number < len(constants):
        raise UnreadableError("an unknown constant")
    data = constants[number]
    if (
        isinstance(data, list) and data[0] == "~"
    ):  # only here: what a sandbox hands out has no tolerance of its own
        return Approx(*(_decode(part, ()) for part in data[1]))
    return _decode(data, ())


_SERIES: dict[str, Callable[[list[Any]], Any]] = {
    "l": list,
    "t": tuple,
    "S": lambda parts: frozenset(_keys(parts)),
    "q": deque,
}


def _named(name: str, value: Any) -> Any:
    return _NAMED[name](value)


def _moment(parts: Sequence[Any]) -> dt.datetime:
    year, month, day, hour, minute, second, microsecond, shift = parts
    zone = None if shift is None else dt.timezone(dt.timedelta(seconds=shift))
    return dt.datetime(year, month, day, hour, minute, second, microsecond, tzinfo=zone)


_NAMED: dict[str, Callable[[Any], Any]] = {
    "Decimal": Decimal,
    "Fraction": Fraction,
    "UUID": uuid.UUID,
    "datetime": _moment,
    "date": lambda parts: dt.date(*parts),
    "timedelta": lambda parts: dt.timedelta(*parts),
}
_SCALARS: dict[str, Callable[..., Any]] = {
    "i": lambda text: int(text, 16),
    "f": float.fromhex,
    "c": complex,
    "s": str,
    "b": lambda text: text.encode("latin-1"),
    "r": _range,
    "n": _named,
    "T": Kind,
    "k": Kind,
}


def canonical(value: Any) -> str:
    """A text that equal values share: sets and dicts are sorted, and whole numbers are written as such."""
    if isinstance(value, dict):
        pairs = sorted(f"{canonical(key)}: {canonical(part)}" for key, part in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, set | frozenset):
        return "{" + ", ".join(sorted(map(canonical, value))) + "}"
    if isinstance(value, list | tuple | deque):
        return f"{type(value).__name__}({', '.join(map(canonical, value))})"
    if (
        isinstance(value, bool | float)
        and not (math.isnan(value) or math.isinf(value))
        and value == int(value)
    ):
        value = int(value)
    return f"{value:x}" if type(value) is int else repr(value)
