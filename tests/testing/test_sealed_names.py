"""What tests expect is taken out wherever it stands: under names, in tables, in helpers, made of something else."""

from __future__ import annotations

import base64
import marshal
from types import CodeType
from typing import Any

import pytest
from tests.testing.conftest import Range

from r2egym.testing import CompiledTests, SealedRun, TestRun, Verdict, calibrate, strengths

MODULE, HELPER = "tests/test_cellar.py", "tests/asserting.py"
SOURCE = """
def add(a, b):
    return a + b

def words(text):
    return text.split()

def missing():
    return None

class Odd:
    def __init__(self, number):
        self.number = number
    def __eq__(self, other):
        return self.number == getattr(other, "number", None)
"""
ASSERTING = """
from cellar import add

def same_sum(a, b, want):
    assert add(a, b) == want

def not_imported_by_its_name(x):
    assert x
"""
TESTS = """
import unittest
from math import factorial

from asserting import same_sum
from cellar import Odd, add, missing, words

LIMIT = 3000
REFERENCE = "quince medlar"


def test_made_of_a_name():
    for number, want in [(1, 4001), (2, 4002)]:
        assert repr(add(number, 4000)) == repr(want), "not %d" % want
        assert [add(number, 4000)] == [want]


def test_two_loops():
    for a, want in [(1, 5001)]:
        assert add(a, 5000) == want
    for a, want in [(2, 5102)]:
        assert add(a, 5100) == want


def test_one_target():
    numbers = iter([add(6000, 1), add(6100, 2)])
    for want in [6001, 6102]:
        assert next(numbers) == want


def test_chain():
    assert add(7000, 1) == add(1, 7000) == 7001


def test_computed():
    assert words("n0 n1 n2") == ["n%d" % n for n in range(3)]
    assert add(0, 40320) == factorial(8)


def test_learnt():
    assert add(LIMIT, 0) == LIMIT


def test_of_a_reference():
    assert sorted(words("medlar quince")) == sorted(REFERENCE.split())


def check(got, want):
    assert got == want


def test_helper():
    check(add(8000, 1), 8001)
    check(Odd(3), Odd(3))


def test_nested_helper():
    def both(total, text):
        assert (add(9000, total), words(text)) == (9001, [text])

    both(1, "fig")


def test_there_is_something():
    assert Odd(5) is not None
    assert missing() is None


def test_imported_helper():
    same_sum(100, 11, 111)


class TestCellar(unittest.TestCase):
    def check(self, number, want):
        self.assertEqual(add(number, 1), want, "%d it should be" % want)

    def test_method(self):
        self.check(2000, 2001)
        for number, want in [(1, 2101)]:
            with self.subTest(want=want):
                self.assertEqual(add(number, 2100), want)
"""
FILES = {
    "cellar/__init__.py": SOURCE,
    "tests/__init__.py": "",
    "asserting.py": "from tests.asserting import *\n",
    HELPER: ASSERTING,
    MODULE: TESTS.replace("from asserting", "from tests.asserting"),
}
SECRETS = (4001, "4001", 4002, 5001, 5102, 6001, 6102, 7001, 40321, 8001, 9001, 111, 2001, 2101, "quince medlar", "n%d")  # fmt: skip
STRENGTHS = {
    "made_of_a_name": "strong",
    "two_loops": "strong",
    "one_target": "strong",
    "chain": "strong",
    "computed": "strong",
    "learnt": "polarity",
    "of_a_reference": "strong",
    "helper": "strong",
    "nested_helper": "strong",
    "there_is_something": "polarity",
    "imported_helper": "strong",
}


class Sealed:
    """The tests, sealed once; a run of gold, and one of a base that does nothing."""

    def __init__(self, lane: Range) -> None:
        self.lane = lane
        self.made: CompiledTests = lane.compile(FILES, MODULE, mode="sealed", beside=(HELPER, "asserting.py"))
        self.plain: TestRun = lane.compiled(FILES, MODULE)
        self.gold = self.run(SOURCE)
        empty = SOURCE.replace("a + b", "None").replace("text.split()", "None")
        empty = empty.replace("self.number =", "self.other =").replace("return None", "return Odd(1)")
        self.base = self.run(empty)

    def run(self, source: str) -> SealedRun:
        """A sealed run of another source."""
        return self.lane.sealed({**FILES, "cellar/__init__.py": source}, MODULE, made=self.made)


@pytest.fixture(scope="module")
def sealed(lane: Range) -> Sealed:
    """The tests of this module share it."""
    return Sealed(lane)


def _constants(*codes: str) -> set[Any]:
    found: set[Any] = set()
    pending: list[Any] = [marshal.loads(base64.b64decode(code)) for code in codes]
    while pending:
        part = pending.pop()
        if isinstance(part, CodeType):
            pending += part.co_consts
        elif isinstance(part, tuple | frozenset):
            pending += part
        else:
            found.add(part)
    return found


def test_nothing_that_is_expected_is_compiled(sealed: Sealed) -> None:
    """Neither in the module nor in the helper that it imports."""
    assert sealed.made.helpers == (HELPER,)
    found = _constants(*sealed.made.codes.values())
    assert [secret for secret in SECRETS if secret in found] == []
    assert {4000, 8000, "fig"} <= found


def test_gold_is_right_everywhere(sealed: Sealed) -> None:
    """All that gold hands out is right, in every test."""
    assert (sealed.gold.run.complete, sealed.gold.run.alarms) == (True, ())
    wrong = {
        test: places
        for test, places in sealed.gold.verdicts.items()
        if set(places.values()) != {Verdict.RIGHT}
    }
    assert wrong == {}
    assert set(sealed.gold.verdicts) == set(sealed.plain.census)


def test_strength(sealed: Sealed) -> None:
    """What is made of something that stays in the test is no secret."""
    calibration = calibrate(sealed.made, sealed.plain, [sealed.gold], sealed.base)
    found = strengths(sealed.made, calibration, sealed.base, sealed.plain.census)
    names = {f"{MODULE}::test_{name}": strength for name, strength in STRENGTHS.items()}
    names[f"{MODULE}::TestCellar::test_method"] = "strong"
    assert found == names


def test_an_object_is_not_none(sealed: Sealed) -> None:
    """Which object it is nobody can say, but that it is one: where None is wanted that is wrong."""
    test = f"{MODULE}::test_there_is_something"
    assert set(sealed.gold.verdicts[test].values()) == {Verdict.RIGHT}
    assert sorted(sealed.base.verdicts[test].values()) == [Verdict.RIGHT, Verdict.WRONG]
