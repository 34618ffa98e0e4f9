"""Names and twins: what the compiler makes of test modules."""

from __future__ import annotations

import pytest
from tests.testing.conftest import Range

M = "test_m.py"
HEAD = "import unittest\nimport pytest\nfrom larder import *\n\n\n"


def _files(tests: str, source: str = "") -> dict[str, str]:
    return {
        "larder/__init__.py": source or "def f(x=1):\n    return x\n\n\nclass Mixin:\n    pass\n",
        M: HEAD + tests,
    }


def test_no_test_keeps_its_name(lane: Range) -> None:
    """Names are random and differ from one compilation to the next; a seed repeats them."""
    tests = "def test_a():\n    assert f() == 1\n\n\nclass TestB:\n    def test_b(self):\n        assert f(2) == 2\n"
    first, second, third = (lane.compile(_files(tests), M, seed=seed) for seed in (None, None, "s"))
    assert not {"test_a", "test_b"} & set(first.names)
    assert not set(first.names) & set(second.names)
    assert third == lane.compile(_files(tests), M, seed="s")
    assert set(first.defined) == {f"{M}::test_a", f"{M}::TestB::test_b"}


@pytest.mark.parametrize(
    "tests",
    [
        "def test_a():\n    assert f() == 1\n\n\ndef test_b():\n    test_a()\n    assert f() == 1\n",
        "def test_a(request):\n    assert request.node.name == 'test_a'\n",
        "class TestA(unittest.TestCase):\n    def test_a(self):\n        self.assertIn('test_a', self.id())\n",
        "class TestA(Mixin, unittest.TestCase):\n    def test_a(self):\n        self.assertEqual(f(), 1)\n",
        "@pytest.fixture\ndef test_data():\n    return 1\n\n\ndef test_a(test_data):\n    assert f() == test_data\n",
    ],
    ids=["called", "asked-pytest", "asked-unittest", "foreign-base", "fixture"],
)
def test_what_may_ask_for_a_name_still_passes(lane: Range, tests: str) -> None:
    """A test that something may look for by name keeps it."""
    run = lane.compiled(_files(tests), M)
    assert set(run.statuses.values()) == {"PASSED"}
    assert (run.twins_passed, run.alarms) == ({}, ())


def test_overriding_survives_new_names(lane: Range) -> None:
    """A method that replaces an inherited test still replaces it, and so do the twins."""
    tests = (
        "class TestA(unittest.TestCase):\n    def test_x(self):\n        self.assertEqual(f(), 2)\n\n\n"
        "class TestB(TestA):\n    def test_x(self):\n        self.assertEqual(f(), 1)\n\n\n"
        "class TestC(TestA):\n    test_x = None\n"
    )
    run = lane.compiled(_files(tests), M)
    assert run.statuses == {f"{M}::TestA::test_x": "FAILED", f"{M}::TestB::test_x": "PASSED"}


ASSERTIONS = {
    "equal": "assert f(3) == 3",
    "text": "assert f('abc') == 'abc'",
    "inside": "assert f([1, {'a': (2, 3)}]) == [1, {'a': (2, 3)}]",
    "part": "n = 2\n    assert f([1, 2]) == [1, n]",
    "approx": "assert f(1.5) == pytest.approx(1.5)",
    "none": "assert f(None) is None",
    "true": "assert f(True) is True",
    "member": "assert 'bc' in f('abcd')",
    "no-member": "assert 'x' not in f('abcd')",
    "order": "assert f(3) > 2",
    "truth": "assert f(3)",
    "falsehood": "assert not f(0)",
    "both": "assert f(1) and f(2)",
    "names": "a = b = 4\n    assert f(a) == b",
    "raises": "with pytest.raises(ZeroDivisionError):\n        f(1 / 0)",
    "raises-match": "with pytest.raises((KeyError, ValueError), match='x'):\n        raise KeyError('x')",
    "raises-call": "pytest.raises(ZeroDivisionError, lambda: 1 / 0)",
    "warns": "import warnings\n    with pytest.warns(UserWarning):\n        warnings.warn('a')",
    "helper": "assert_same(f(1), 1)",
    "empty": "assert f([]) == []",
    "set": "assert f({1, 2}) == {1, 2}",
    "bytes": "assert f(b'\\x00') == b'\\x00'",
    "negative": "assert f(-1) == -1",
}
METHODS = {
    "assertEqual": "self.assertEqual(f(1), 1)",
    "assertEqual-names": "a = 1\n        self.assertEqual(f(a), a)",
    "assertTrue": "self.assertTrue(f(1))",
    "assertIsNone": "self.assertIsNone(f(None))",
    "assertIn": "self.assertIn(1, [f(1)])",
    "assertRaises": "with self.assertRaises(KeyError):\n            {}[f(1)]",
    "assertRaises-call": "self.assertRaises(KeyError, {}.pop, f(1))",
    "assertRaisesRegex": "with self.assertRaisesRegex(KeyError, '1'):\n            {}[f(1)]",
    "assertAlmostEqual": "self.assertAlmostEqual(f(1.0), 1.0)",
    "assertGreater": "self.assertGreater(f(2), 1)",
    "assertIsInstance": "self.assertIsInstance(f(2), int)",
    "assertRegex": "self.assertRegex(f('abc'), 'b')",
    "assertCountEqual": "self.assertCountEqual(f([1, 2]), [2, 1])",
    "assertMine": "self.assertMine(f(1))",
}


def test_every_kind_of_assertion_has_a_twin_that_fails(lane: Range) -> None:
    """All of them pass, each has a twin, and no twin passes beside its test."""
    functions = "".join(
        f"def test_{name.replace('-', '_')}():\n    {body}\n\n\n" for name, body in ASSERTIONS.items()
    )
    methods = "".join(
        f"    def test_{name.replace('-', '_')}(self):\n        {body}\n\n" for name, body in METHODS.items()
    )
    tests = (
        f"def assert_same(a, b):\n    assert a == b\n\n\n{functions}class TestM(unittest.TestCase):\n"
        f"    def assertMine(self, x):\n        self.assertEqual(x, 1)\n\n{methods}"
    )
    names = [f"{M}::test_{name.replace('-', '_')}" for name in ASSERTIONS]
    names += [f"{M}::TestM::test_{name.replace('-', '_')}" for name in METHODS]
    made = lane.compile(_files(tests), M, important=names[:2])
    assert [name for name in names if not made.defined[name]] == []
    run = lane.compiled(_files(tests), M, important=names[:2])
    assert {test for test, status in run.statuses.items() if status != "PASSED"} == set()
    assert set(run.statuses) == set(names)
    assert (run.twins_passed, run.twins_missing, run.complete) == ({}, {}, True)


def test_every_twin_of_a_set_holds_another_set(lane: Range) -> None:
    """Whichever element is moved, and wherever to: an object that equals everything always passes a twin too."""
    source = (
        "class Omni:\n    def __eq__(self, other):\n        return True\n\n\ndef f(x):\n    return Omni()\n"
    )
    tests = "".join(f"def test_{n}():\n    assert f(0) == {{1, 2, 3}}\n\n\n" for n in range(12))
    run = lane.compiled(_files(tests, source), M)
    assert set(run.twins_passed) == set(run.statuses) == {f"{M}::test_{n}" for n in range(12)}


def test_columns_of_expected_values_are_moved_row_by_row(lane: Range) -> None:
    """A table's rows are held against the same rows of the twin's table."""
    tests = (
        "@pytest.mark.parametrize('x, y', [(1, 1), (2, 2), pytest.param(3, 3, id='three')])\n"
        "def test_t(x, y):\n    assert f(x) == y\n"
    )
    assert lane.compile(_files(tests), M).defined[f"{M}::test_t"] == (("literal",),)
    assert lane.compiled(_files(tests), M).twins_passed == {}
    anything = "class A:\n    def __eq__(self, other):\n        return True\n\n\ndef f(x):\n    return A() if x == 2 else x\n"
    run = lane.compiled(_files(tests, anything), M)
    assert run.twins_passed == {f"{M}::test_t[2-2]": (1,)}


def test_generated_tests_are_known_by_their_beginning(lane: Range) -> None:
    """A decorator that makes several tests of one, named after it, is undone."""
    tests = (
        "def each(function):\n    for number in (1, 2):\n        def one(number=number):\n            function(number)\n"
        "        globals()['%s_%d' % (function.__name__, number)] = one\n\n\n"
        "@each\ndef test_n(number):\n    assert f(number) == number\n"
    )
    run = lane.compiled(_files(tests), M)
    assert run.statuses == {f"{M}::test_n_1": "PASSED", f"{M}::test_n_2": "PASSED"}


def test_a_module_that_this_interpreter_cannot_read(lane: Range) -> None:
    """Its error is told, and the others run."""
    files = {**_files("def test_a():\n    assert f() == 1\n"), "test_old.py": "print 'old'\n"}
    made = lane.compile(files, M, "test_old.py")
    assert "SyntaxError" in made.errors["test_old.py"]
    run = lane.compiled(files, M, "test_old.py")
    assert run.statuses == {f"{M}::test_a": "PASSED"}
    assert "did not compile" in run.messages["test_old.py"]
