"""Sealed tests of unusual make: what they hand out is judged as their authors meant it, or left alone."""

from __future__ import annotations

import pytest
from tests.testing.conftest import Range

from r2egym.testing import Verdict, calibrate

MODULE = "tests/test_odd.py"
SOURCE = '''
"""A larder."""
import collections
import datetime
import decimal
import enum

Jar = collections.namedtuple("Jar", "name size")

class Size(enum.IntEnum):
    SMALL = 1
    LARGE = 70

class Row(dict):
    pass

class Odd(dict):
    def __eq__(self, other):
        return len(self) == len(other)
    __hash__ = None

def jar(name, size):
    return Jar(name, size)

def row(**fields):
    return Row(fields)

def odd(**fields):
    return Odd(fields)

def when(year):
    return datetime.datetime(year, 2, 3, tzinfo=datetime.timezone.utc)

def price(text):
    return decimal.Decimal(text)

def ordered(*pairs):
    return collections.OrderedDict(pairs)

async def later(value):
    return value * 2

def raw(text):
    return text.encode()

def shout(text):
    return text.upper() + "!"

def broken():
    raise SystemExit(40)
'''
CONFTEST = """
import pytest

@pytest.fixture
def shelf():
    yield {"plum": 20}
"""
TESTS = '''
"""Odd tests."""
from __future__ import annotations

import asyncio
import datetime
import unittest
from collections import OrderedDict
from decimal import Decimal

import pytest

import larder
from larder import *


def test_types(shelf):
    assert jar("plum", 20) == ("plum", 20)
    assert row(a=10) == {"a": 10}
    assert Size.LARGE == 70
    assert price("1.50") == Decimal("1.5")
    assert ordered(("b", 21), ("a", 22)) == OrderedDict([("b", 21), ("a", 22)])
    assert when(2024) == datetime.datetime(2024, 2, 3, tzinfo=datetime.timezone.utc)
    assert raw("plum") == b"plu" + b"m"
    assert shelf == {"plum": 20}
    assert [jar(n, 5) for n in "ab"] == [("a", 5), ("b", 5)]
    assert {"k": jar("x", 9)} == {"k": ("x", 9)}
    assert frozenset(row(a=1, b=2)) == {"a", "b"}
    assert price("2.5") == pytest.approx(Decimal("2.5000001"))
    assert {"a": 0.1 + 0.2} == pytest.approx({"a": 0.3})
    assert jar("plum", 20).size in (20, 30)
    assert 20 <= jar("plum", 20).size <= 30
    assert type(jar("a", 1)) is larder.Jar
    assert shout("plum").startswith("PLUM") and shout("a").endswith("!")


def test_own_equality():
    assert odd(a=1) == {"b": 2}


def test_exit():
    with pytest.raises(SystemExit) as caught:
        broken()
    assert caught.value.code == 40


@pytest.mark.skip
def test_skipped():
    assert jar("a", 1) == 9


@pytest.mark.xfail
def test_expected_to_fail():
    assert jar("a", 1) == 9


@pytest.fixture
def checked():
    value = shout("jam")
    assert value == "JAM!"
    return value


def test_fixture_that_asserts(checked):
    assert checked == "JAM!"


@pytest.mark.parametrize("text", ["plum", "sloe"])
@pytest.mark.parametrize("count, want", [(1, 40), (2, 80)], ids=["one", "two"])
def test_stacked(text, count, want):
    assert 40 * count == want


class TestNested:
    class TestInner:
        def test_deep(self):
            def check(value, want=101):
                assert value + 1 == want
            check(100)

    def test_loop(self):
        for name, want in (("a", "A!"), ("b", "B!")):
            result = shout(name)
            assert result == want, "%s is not %s" % (result, want)


class TestLater(unittest.IsolatedAsyncioTestCase):
    async def test_later(self):
        self.assertEqual(await later(21), 42)

    async def test_bare(self):
        assert await later(30) == 60


def test_with_a_message_of_its_own():
    if shout("x") != "X!":
        pytest.fail("no")
    if shout("yy") != "YY!" or not shout("z"):
        raise RuntimeError("no")
    if shout("x") == "x":
        raise unittest.SkipTest("not here")
    try:
        assert shout("x") == "X!"
    except AssertionError:
        raise


class Base(unittest.TestCase):
    def assertShouts(self, text, want):
        self.assertEqual(shout(text), want)

    def assertIs(self, first, second):
        raise AssertionError("never asked")


class TestBased(Base):
    def test_own_assertion(self):
        self.assertShouts("plum", "PLUM!")

    def test_sequence(self):
        self.assertSequenceEqual(list(shout("ab")), ("A", "B", "!"))
        self.assertAlmostEqual(2.5, 2.4, delta=0.2)
        self.assertNotEqual(shout("a"), "b")
        self.assertLess(len(shout("a")), 30)
        self.assertIn("LUM", shout("plum"))
        self.assertRaises(ValueError, int, "x", base=10)
'''
FILES = {"larder/__init__.py": SOURCE, "tests/__init__.py": "", "tests/conftest.py": CONFTEST, MODULE: TESTS}


def test_gold_is_followed(lane: Range) -> None:
    """All but what has an equality of its own is judged, and gold is right about it."""
    made = lane.compile(FILES, MODULE, mode="sealed")
    plain = lane.compiled(FILES, MODULE)
    run = lane.sealed(FILES, MODULE, made=made)
    assert (run.run.complete, run.run.alarms) == (True, ()), run.run
    doubtful = {
        test.rpartition("::")[2]: {place for place, verdict in places.items() if verdict is not Verdict.RIGHT}
        for test, places in run.verdicts.items()
        if set(places.values()) != {Verdict.RIGHT}
    }
    assert set(doubtful) == {"test_own_equality", "test_expected_to_fail"}
    calibration = calibrate(made, plain, [run])
    told = {test.rpartition("::")[2]: places for test, places in calibration.tests.items()}
    passed = {test.rpartition("::")[2] for test, status in plain.statuses.items() if status == "PASSED"}
    assert set(told) == passed
    assert {name for name, places in told.items() if not places} == {"test_own_equality"}
    assert len([place for place in told["test_with_a_message_of_its_own"] if ":" in place]) == 3
    assert len([place for place in told["test_types"] if ":" in place]) == 14


@pytest.mark.parametrize(
    ("old", "new", "bad"),
    [
        ('text.upper() + "!"', 'text.upper() + "?"', "test_loop"),
        ("value * 2", "value * 3", "test_bare"),
        ("SystemExit(40)", "SystemExit(41)", "test_exit"),
        ("Jar(name, size)", "[name, size]", "test_types"),
    ],
)
def test_what_is_wrong_is_seen(lane: Range, old: str, new: str, bad: str) -> None:
    """The place that a fault breaks is wrong in a sealed run."""
    broken = {**FILES, "larder/__init__.py": SOURCE.replace(old, new)}
    run = lane.sealed(broken, MODULE, made=lane.compile(FILES, MODULE, mode="sealed"))
    verdicts = {test.rpartition("::")[2]: set(places.values()) for test, places in run.verdicts.items()}
    assert Verdict.WRONG in verdicts[bad]
