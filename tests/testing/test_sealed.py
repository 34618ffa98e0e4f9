"""The sealed run: what tests got is handed out and judged outside, and expected values are nowhere in the sandbox."""

from __future__ import annotations

import base64
import json
import marshal
from types import CodeType
from typing import Any

import pytest
from tests.testing.conftest import Range

from r2egym.testing import CompiledTests, SealedRun, TestRun, Verdict, calibrate, held, strengths

MODULE = "tests/test_larder.py"
SOURCE = """
class Missing(KeyError):
    pass

def add(a, b):
    return a + b

def known(*numbers):
    return sum(numbers)

def third():
    return 1 / 3

def words(text):
    return text.split()

def take(name):
    raise Missing("no %s here" % name)

def sure():
    return True
"""
TESTS = """
import unittest

import pytest

from larder import Missing, add, known, sure, take, third, words


def test_equal():
    assert add(400, 2) == 402
    assert 7000 == add(6000, 1000) and add(50, 1) == 51


def test_assigned():
    expected = ["plum", "sloe"]
    got = words("plum sloe")
    assert got == expected


def test_partly():
    kept = 4
    assert [add(100, 20), kept] == [120, kept]


@pytest.mark.parametrize("a, b, want", [(10, 20, 30), (2, 5, 7), pytest.param(11, 11, 22, id="two")])
def test_column(a, b, want):
    assert add(a, b) == want


def test_table():
    for a, want in [(1, 11), (2, 12)]:
        assert add(a, 10) == want


CASES = [("x y", ["x", "y"]), ("z", ["z"])]
WANTED = ["module", "level"]


def test_named_table():
    for text, want in CASES:
        assert words(text) == want


def test_of_the_module():
    assert words("module level") == WANTED


def test_items():
    for a, want in {500: 502, 600: 602}.items():
        assert add(a, 2) == want


def test_close():
    assert third() == pytest.approx(0.3333333333)


def test_raised():
    with pytest.raises(Missing, match="no .* here") as caught:
        take("salt")
    assert "no salt" in str(caught.value)
    pytest.raises(KeyError, take, "tea")
    assert caught.value.args == ("no salt here",)


def test_truth():
    assert sure()
    assert not (not sure())


def test_agreement():
    assert add(1, 2) == add(2, 1)


def test_what_other_code_says():
    assert add(400, 7) == known(400, 7)


def check(a, b):
    assert add(a, b) == 909


def test_helper():
    check(904, 5)


class TestLarder(unittest.TestCase):
    def test_family(self):
        self.assertEqual(add(40, 2), 42, "42 it should be")
        self.assertListEqual(words("q w"), ["q", "w"])
        self.assertAlmostEqual(third(), 0.33333333333)
        self.assertAlmostEqual(third(), 0.33, places=2)
        self.assertCountEqual(words("q w"), ["w", "q"])
        self.assertTrue(add(1000, 2) == 1002)
        self.assertIsInstance(add(1, 2), int)
        self.assertRegex(words("hello")[0], "h.l+o")
        self.assertDictEqual(dict(a=add(60, 6)), {"a": 66})
        with self.assertRaises(KeyError) as caught:
            take("rice")
        self.assertEqual(str(caught.exception), "'no rice here'")
        with self.assertRaisesRegex(KeyError, "no [a-z]"):
            take("oil")
        for number in range(3):
            with self.subTest(number=number):
                self.assertEqual(add(number, 0), number)
"""
FILES = {"larder/__init__.py": SOURCE, "tests/__init__.py": "", MODULE: TESTS}
NAMES = (
    "equal",
    "assigned",
    "named_table",
    "of_the_module",
    "items",
    "partly",
    "close",
    "raised",
    "truth",
    "agreement",
    "what_other_code_says",
    "helper",
    "table",
)
SECRETS = (402, 7000, 51, 120, 909, 1002, 66, 0.3333333333, 502, 602, "module", "no salt", "no .* here", "'no rice here'",
           "42 it should be", "h.l+o", "no [a-z]", "KeyError")  # fmt: skip


def _id(name: str) -> str:
    return f"{MODULE}::{'TestLarder::' if name == 'family' else ''}test_{name}"


class Sealed:
    """The tests, sealed once, and gold's runs of them."""

    def __init__(self, lane: Range) -> None:
        self.lane = lane
        self.made: CompiledTests = lane.compile(FILES, MODULE, mode="sealed")
        self.plain: TestRun = lane.compiled(FILES, MODULE)
        self.gold: SealedRun = self.run(SOURCE)
        self.base = self.run(SOURCE.replace("a + b", "a - b").replace("return True", "return False"))
        self.calibration = calibrate(self.made, self.plain, [self.gold, self.run(SOURCE)], self.base)

    def run(self, source: str) -> SealedRun:
        """A sealed run of another source."""
        return self.lane.sealed({**FILES, "larder/__init__.py": source}, MODULE, made=self.made)


@pytest.fixture(scope="module")
def sealed(lane: Range) -> Sealed:
    """The tests of this module share it."""
    return Sealed(lane)


def _constants(code: CodeType) -> set[Any]:
    found: set[Any] = set()
    pending: list[Any] = [code, code.co_names]
    while pending:
        part = pending.pop()
        if isinstance(part, CodeType):
            pending += [*part.co_consts, part.co_names]
        elif isinstance(part, tuple | frozenset):
            pending += part
        else:
            found.add(part)
    return found


def test_nothing_that_is_expected_is_compiled(sealed: Sealed) -> None:
    """Neither values nor messages, patterns or classes are in the code that goes into the sandbox."""
    found = _constants(marshal.loads(base64.b64decode(sealed.made.codes[MODULE])))
    assert [secret for secret in SECRETS if secret in found] == []
    assert "salt" in found
    assert sealed.made.errors == {}


def test_gold_is_right_everywhere(sealed: Sealed) -> None:
    """Every place that gold reaches is right, so every test can be held against it."""
    assert sealed.gold.run.complete
    assert sealed.gold.run.alarms == ()
    verdicts = {verdict for places in sealed.gold.verdicts.values() for verdict in places.values()}
    assert verdicts == {Verdict.RIGHT}
    assert set(sealed.calibration.tests) == set(sealed.plain.census)
    assert held(sealed.calibration, sealed.gold, sealed.plain.census) == held(
        sealed.calibration, sealed.run(SOURCE), sealed.plain.census
    )
    assert held(sealed.calibration, sealed.gold, sealed.plain.census).contradicted == ()


def test_what_is_wrong_is_told_test_by_test(sealed: Sealed) -> None:
    """A sealed run of a wrong patch names the tests that it gets wrong, and no other."""
    wrong = sealed.run(SOURCE.replace("a + b", "a - b"))
    told = held(sealed.calibration, wrong, sealed.plain.census)
    assert {
        _id(name) for name in ("assigned", "named_table", "of_the_module", "close", "raised", "truth")
    } == set(sealed.plain.census).difference(told.contradicted)
    assert told.missing == ()


def test_strength_is_that_of_the_places_that_the_fix_mends(sealed: Sealed) -> None:
    """A value that base has right already says nothing, and one that the test shows anyway is one of a few."""
    found = strengths(sealed.made, sealed.calibration, sealed.base, sealed.plain.census)
    assert {name: found[_id(name)] for name in NAMES} == {
        "equal": "strong",
        "assigned": "none",
        "named_table": "none",
        "of_the_module": "none",
        "items": "strong",
        "partly": "strong",
        "close": "none",
        "raised": "none",
        "truth": "polarity",
        "agreement": "none",
        "what_other_code_says": "polarity",
        "helper": "strong",
        "table": "strong",
    }


def test_a_body_that_is_skipped_is_missed(sealed: Sealed) -> None:
    """A test that passes without handing anything out does not show what gold shows."""
    cheat = (
        SOURCE
        + "\nimport unittest, _pytest.python\n_pytest.python.Function.runtest = lambda self: None\nunittest.TestCase.run = lambda *a: None\n"
    )
    told = held(sealed.calibration, sealed.run(cheat), sealed.plain.census)
    assert set(told.missing) == set(sealed.plain.census)


def test_an_object_that_equals_everything_is_no_plain_data(sealed: Sealed) -> None:
    """What cannot be read back where gold's value could is not believed; nothing of the object is asked."""
    cheat = (
        SOURCE
        + "\nclass Any(int):\n    __eq__ = lambda *_: True\n    __hash__ = None\nadd = lambda *_: Any()\n"
    )
    told = held(sealed.calibration, sealed.run(cheat), sealed.plain.census)
    assert _id("equal") in told.missing + told.contradicted
    assert _id("agreement") in told.missing + told.contradicted


def test_who_changes_both_sides_says_something_else(sealed: Sealed) -> None:
    """Code that the fix leaves alone says what both sides must be; agreeing on anything else is not enough."""
    told = held(
        sealed.calibration, sealed.run(SOURCE + "\nadd = known = lambda *_: 3\n"), sealed.plain.census
    )
    assert _id("what_other_code_says") in told.missing
    assert _id("agreement") not in told.missing + told.contradicted


def test_an_exception_that_is_all_exceptions_is_none(sealed: Sealed) -> None:
    """Who raises an instance of every class has not raised the one that was asked for."""
    cheat = SOURCE.replace("class Missing(KeyError)", "class Missing(KeyError, ValueError, TypeError)")
    assert _id("raised") in held(sealed.calibration, sealed.run(cheat), sealed.plain.census).contradicted


def test_a_row_keeps_what_was_calibrated(sealed: Sealed) -> None:
    """It comes back from JSON as it was, and knows when it belongs to other tests."""
    again = type(sealed.calibration).model_validate_json(sealed.calibration.model_dump_json())
    assert again == sealed.calibration
    assert json.loads(again.model_dump_json())["names"] == {
        _id("column[10-20-30]"): _id("column[10-20-want0]"),
        _id("column[2-5-7]"): _id("column[2-5-want1]"),
    }
