"""Comparisons outside of the sandbox: those of the language, of unittest, of pytest and of array helpers."""

from __future__ import annotations

import datetime as dt
import unittest
from decimal import Decimal
from typing import Any

import pytest

from r2egym.testing.judge import holds
from r2egym.testing.raised import is_raised
from r2egym.testing.reading import Approx, Array, UnreadableError, canonical, decode
from r2egym.testing.strength import is_trivial

CASE = unittest.TestCase()


def _unittest(name: str, got: Any, wanted: Any, **options: Any) -> bool:
    try:
        getattr(CASE, name)(got, wanted, **options)
    except AssertionError:
        return False
    return True


NUMBERS = (
    0,
    1,
    1.0,
    1.00000001,
    1.0000001,
    1.001,
    -1,
    1e-13,
    0.3,
    0.1 + 0.2,
    1e300,
    float("inf"),
    float("nan"),
    True,
)


@pytest.mark.parametrize("wanted", NUMBERS[:-1])
@pytest.mark.parametrize(
    "options", [{}, {"rel": 1e-3}, {"abs": 0.1}, {"rel": 1e-9, "abs": 1e-6}, {"nan_ok": True}]
)
def test_approx_is_pytests(wanted: Any, options: dict[str, Any]) -> None:
    """On numbers, lists and dicts, the judge agrees with ``pytest.approx`` (whose versions differ on truths)."""
    for got in NUMBERS:
        theirs = pytest.approx(wanted, **options)
        assert holds("eq", got, Approx(wanted, **options), {}) == (got == theirs), (got, wanted, options)
    assert holds("eq", [0.5, wanted], Approx([0.5, wanted], **options), {}) == (
        [0.5, wanted] == pytest.approx([0.5, wanted], **options)
    )
    assert holds("eq", {"a": wanted}, Approx({"a": wanted}, **options), {}) == (
        {"a": wanted} == pytest.approx({"a": wanted}, **options)
    )


@pytest.mark.parametrize("options", [{}, {"places": 2}, {"delta": 0.5}])
def test_almost_is_unittests(options: dict[str, Any]) -> None:
    """Places and deltas are counted as ``assertAlmostEqual`` does."""
    for got in NUMBERS:
        for wanted in NUMBERS:
            try:
                theirs = _unittest("assertAlmostEqual", got, wanted, **options)
            except (ValueError, OverflowError):
                continue
            assert holds("almost", got, wanted, options) == theirs, (got, wanted)


@pytest.mark.parametrize(
    ("op", "name"),
    [
        ("count", "assertCountEqual"),
        ("list", "assertListEqual"),
        ("tuple", "assertTupleEqual"),
        ("dict", "assertDictEqual"),
        ("seq", "assertSequenceEqual"),
        ("has", ""),
    ],
)
def test_the_family_is_unittests(op: str, name: str) -> None:
    """Types count where the method says so, order where it does."""
    values = ([1, 2], [2, 1], (1, 2), [1, 2, 2], {"a": 1}, {"b": 1}, [], (), "ab", ["a", "b"], [[1], [2]])
    for got in values:
        for wanted in values:
            if op == "seq" and dict in {type(got), type(wanted)}:
                continue  # unittest stumbles over it
            if name:
                theirs = _unittest(name, got, wanted)
            else:
                try:
                    theirs = wanted in got
                except TypeError:
                    theirs = False
            assert holds(op, got, wanted, {}) == theirs, (op, got, wanted)


def test_arrays_compare_part_by_part() -> None:
    """A scalar goes with any shape, nans are equal, and shapes must fit."""
    assert holds("npeq", Array([1.0, float("nan")]), [1.0, float("nan")], {})
    assert holds("allclose", Array([1.0, 1.0]), 1.00000001, {})
    assert not holds("allclose", Array([[1.0]]), [1.0], {})
    assert not holds("npalmost", Array([1.0]), [1.1], {"decimal": 3})
    assert holds("npalmost", Array([1.0]), [1.0001], {"decimal": 3})


def test_a_tolerance_of_the_sandboxs_own_is_unreadable() -> None:
    """Only what stays outside says how near is near enough."""
    bound = ["~", [["i", "1"], ["f", "inf"], ["f", "inf"], True]]
    assert decode(["w", 0], [bound]) == Approx(1, float("inf"), float("inf"), nan_ok=True)
    for data in (bound, ["l", [bound]], ["w", 1], ["w", -1], ["w", True], ["w"]):
        with pytest.raises(UnreadableError):
            decode(data, [bound])


@pytest.mark.parametrize(
    "data",
    [
        [], {}, "x", 1.5, ["o", "larder.Jar"], ["n"], ["n", "Decimal"], ["n", "eval", "1"], ["i", "x"], ["f", "x"],
        ["d", [[["l", []], None]]], ["r", ["0", "f" * 30, "1"]], ["n", "Fraction", "1/0"], ["n", "datetime", [0] * 8],
        ["S", [["i", f"{n * ((1 << 61) - 1):x}"] for n in range(500)]], ["l", [None] * 50_000], [["l"], []],
    ],
)  # fmt: skip
def test_what_was_made_up_is_unreadable(data: Any) -> None:
    """Anything that is no plain value, or that was made to take long, is refused without an accident."""
    with pytest.raises(UnreadableError):
        decode(data)


def test_odd_numbers_break_no_comparison() -> None:
    """Signalling nans and numbers without end compare as unequal."""
    for data in (["n", "Decimal", "sNaN"], ["n", "Decimal", "1E+999999999"], ["f", "nan"], ["c", "nanj"]):
        for op in ("eq", "almost", "lt", "count", "has", "npalmost", "seq"):
            assert holds(op, decode(data), 5, {}) is False


def test_moments_compare_by_instant() -> None:
    """A zone is an offset; without one a moment equals none that has one."""
    noon = dt.datetime(2024, 1, 2, 12, tzinfo=dt.UTC)
    assert decode(["n", "datetime", [2024, 1, 2, 13, 0, 0, 0, 3600]]) == noon
    assert decode(["n", "datetime", [2024, 1, 2, 12, 0, 0, 0, None]]) != noon
    assert decode(["n", "Decimal", "1.50"]) == Decimal("1.5")


def test_equal_values_have_one_text() -> None:
    """The order of sets and dicts, and the type of a whole number, are no difference; anything else is."""
    assert canonical({"a": 1, "b": {2.0, True}}) == canonical({"b": {1, 2}, "a": 1.0})
    assert canonical([1]) != canonical((1,))
    assert canonical("1") != canonical(1) != canonical(1.5)
    assert len({canonical(number) for number in (float("nan"), float("inf"), -1, 1, None)}) == 5


def test_exceptions_are_known_by_name() -> None:
    """A base counts, a namesake of a built-in does not, and nobody is everything."""
    mine = ["larder.Missing", "builtins.KeyError", "builtins.LookupError", "builtins.Exception"]
    assert is_raised(mine, ["Missing"])
    assert is_raised(mine, ["builtins.ValueError", "builtins.LookupError"])
    assert not is_raised(mine, ["builtins.ValueError"])
    assert not is_raised(["larder.KeyError", "builtins.Exception"], ["builtins.KeyError"])
    assert not is_raised(["larder.All", "builtins.KeyError", "builtins.ValueError"], ["builtins.KeyError"])
    assert is_raised(["exceptions.IOError", "exceptions.EnvironmentError"], ["builtins.IOError"])
    assert not is_raised(None, ["builtins.KeyError"])
    assert not is_raised([1], ["builtins.KeyError"])


@pytest.mark.parametrize(
    ("data", "trivial"),
    [
        (None, True), (True, True), (["i", "0"], True), (["i", "2"], False), (["s", ""], True), (["s", "a"], False),
        (["l", []], True), (["l", [["i", "1"]]], True), (["l", [["i", "7"]]], False), (["f", "0x1.0p+0"], True),
        (["~", [["f", "0x0.0p+0"], None, None, False]], True), (["~", [["f", "0x1.8p+0"], None, None, False]], False),
        (["d", []], True), (["T", "builtins.int"], True), (["n", "Decimal", "1.5"], False),
    ],
)  # fmt: skip
def test_one_of_a_few_is_no_secret(data: Any, *, trivial: bool) -> None:
    """Truths, small numbers and empty things are what anybody tries first."""
    assert is_trivial(data) is trivial
