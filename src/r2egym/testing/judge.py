"""Judging what sealed tests got: comparisons as the language, unittest, pytest and array helpers mean them.

They are made outside of the sandbox, on built-in values. Limits: a pattern is matched elsewhere, see
:mod:`r2egym.testing.patterns`.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from decimal import Decimal
from numbers import Complex
from typing import Any

from r2egym.testing.reading import Approx, Array


def equal(got: Any, wanted: Any) -> bool:
    """``got == wanted``; ``wanted`` may be what ``approx`` was told, at any depth."""
    if isinstance(wanted, Approx):
        return _approximately(got, wanted)
    if _holds_approx(wanted):
        return _parts_equal(got, wanted)
    return bool(got == wanted)


def _holds_approx(value: Any) -> bool:
    if isinstance(value, Approx):
        return True
    if isinstance(value, dict):
        return any(map(_holds_approx, value.values()))
    return isinstance(value, list | tuple) and any(map(_holds_approx, value))


def _parts_equal(got: Any, wanted: Any) -> bool:
    if isinstance(wanted, dict):
        return (
            isinstance(got, dict)
            and got.keys() == wanted.keys()
            and all(equal(got[key], part) for key, part in wanted.items())
        )
    return (
        isinstance(got, list | tuple)
        and isinstance(got, list) == isinstance(wanted, list)
        and len(got) == len(wanted)
        and all(equal(left, right) for left, right in zip(got, wanted, strict=True))
    )


def _approximately(got: Any, wanted: Approx) -> bool:
    expected = wanted.expected
    if isinstance(got, Array):
        got = got.parts
    if isinstance(expected, dict):
        return (
            isinstance(got, dict)
            and set(got) == set(expected)
            and all(_near(got[key], part, wanted) for key, part in expected.items())
        )
    if isinstance(expected, list | tuple):
        return (
            isinstance(got, list | tuple)
            and len(got) == len(expected)
            and all(_near(left, right, wanted) for left, right in zip(got, expected, strict=True))
        )
    return _near(got, expected, wanted)


def _near(got: Any, expected: Any, how: Approx) -> bool:
    """As pytest's ``ApproxScalar`` compares: 1e-6 of the expected value, or 1e-12."""
    if got == expected:
        return True
    if isinstance(expected, bool) or not isinstance(expected, Complex | Decimal):
        return False
    if not isinstance(got, Complex | Decimal):
        return False
    if _is_nan(expected):
        return how.nan_ok and _is_nan(got)
    if math.isinf(abs(expected)) or _is_nan(got):
        return False
    return bool(abs(expected - got) <= _tolerance(expected, how))


def _tolerance(expected: Any, how: Approx) -> Any:
    kind: Any = Decimal if isinstance(expected, Decimal) else float
    least = kind("1e-12") if how.abs is None else kind(how.abs)
    if how.rel is None and how.abs is not None:
        return least
    return max(kind("1e-6" if how.rel is None else how.rel) * kind(abs(expected)), least)


def _is_nan(value: Any) -> bool:
    return bool(value != value)  # noqa: PLR0124 - what a nan is


def _same_members(got: Any, wanted: Any) -> bool:
    left, right = list(got), list(wanted)
    for part in left:
        if part not in right:
            return False
        right.remove(part)
    return not right


def _typed(kind: type | tuple[type, ...]) -> Callable[[Any, Any], bool]:
    return lambda got, wanted: isinstance(got, kind) and isinstance(wanted, kind) and got == wanted


def _in_order(got: Any, wanted: Any) -> bool:
    return len(got) == len(wanted) and all(left == right for left, right in zip(got, wanted, strict=True))


def _identical(got: Any, wanted: Any) -> bool:
    return type(got) is type(wanted) and bool(got == wanted)


def _contains(container: Any, member: Any) -> bool:
    return bool(member in container)


_PLACES = 7
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "eq": equal,
    "ne": lambda got, wanted: not equal(got, wanted),
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
    "is": _identical,
    "isnot": lambda got, wanted: not _identical(got, wanted),
    "in": lambda got, wanted: _contains(wanted, got),
    "notin": lambda got, wanted: not _contains(wanted, got),
    "has": _contains,
    "hasnot": lambda got, wanted: not _contains(got, wanted),
    "list": _typed(list),
    "tuple": _typed(tuple),
    "dict": _typed(dict),
    "set": _typed(frozenset),
    "text": _typed(str),
    "seq": _in_order,
    "count": _same_members,
}


def _almost(got: Any, wanted: Any, options: Mapping[str, Any]) -> bool:
    """As ``assertAlmostEqual`` compares: the difference, rounded to 7 places, is 0; or it is at most ``delta``."""
    if got == wanted:
        return True
    difference = abs(got - wanted)
    if options.get("delta") is not None:
        return bool(difference <= options["delta"])
    places = options.get("places")
    return bool(round(difference, _PLACES if places is None else places) == 0)


def _flat(value: Any) -> list[Any]:
    if isinstance(value, Array):
        return _flat(value.parts)
    if isinstance(value, list | tuple):
        return [part for item in value for part in _flat(item)]
    return [value]


def _shape(value: Any) -> Any:
    value = value.parts if isinstance(value, Array) else value
    return [_shape(part) for part in value] if isinstance(value, list | tuple) else None


def _arrays(got: Any, wanted: Any, close: Callable[[Any, Any], bool]) -> bool:
    """Part by part; a scalar goes with any shape, and two nans are equal, as ``numpy.testing`` has it."""
    left, right = _flat(got), _flat(wanted)
    if _shape(got) is None or _shape(wanted) is None:
        size = max(len(left), len(right))
        left, right = (side * size if len(side) == 1 else side for side in (left, right))
    elif _shape(got) != _shape(wanted):
        return False
    return len(left) == len(right) and all(
        one == other or (_is_nan(one) and _is_nan(other)) or close(one, other)
        for one, other in zip(left, right, strict=True)
    )


def holds(op: str, got: Any, wanted: Any, options: Mapping[str, Any]) -> bool:
    """Whether a comparison holds. Comparing what cannot be compared is a test that fails."""
    try:
        if op in _COMPARE:
            return bool(_COMPARE[op](got, wanted))
        if op in {"almost", "notalmost"}:
            return _almost(got, wanted, options) == (op == "almost")
        return _numpy(op, got, wanted, options)
    except (TypeError, ValueError, ArithmeticError, AttributeError, RecursionError, KeyError):
        return False


def _numpy(op: str, got: Any, wanted: Any, options: Mapping[str, Any]) -> bool:
    if op == "npeq":
        return _arrays(got, wanted, lambda *_: False)
    if op == "allclose":
        rtol, atol = options.get("rtol", 1e-7), options.get("atol", 0)
        return _arrays(got, wanted, lambda one, other: abs(one - other) <= atol + rtol * abs(other))
    if op == "npalmost":
        places = options.get("decimal", 6 if isinstance(wanted, Array | list) else _PLACES)
        return _arrays(got, wanted, lambda one, other: abs(one - other) < 1.5 * 10.0**-places)
    return False
