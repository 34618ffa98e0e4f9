"""The same tests, run plainly and compiled, under both runners: ids, statuses, messages, and what is left alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.testing.conftest import Range
from tests.testing.sandboxed import RECIPE, config, write

from r2egym.records import TestStatus
from r2egym.sandboxes.base import Backend
from r2egym.testing import run_tests

UNITTEST = RECIPE.model_copy(update={"runner": "unittest"})
MODULE = "tests/test_all.py"
SOURCE = "def add(a, b):\n    return a + b\n\n\ndef fail():\n    raise ValueError('no')\n"
TESTS = '''
import unittest

import pytest

from larder import add, fail
from tests.helper import TWO


@pytest.mark.parametrize("a, b, c", [(1, TWO, 3), pytest.param(1, 1, 2, id="x::y - z")])
def test_add(a, b, c):
    assert add(a, b) == c


@pytest.mark.parametrize("text", ["a[b", "p::q", "\\x1b[31m"])
def test_text(text):
    assert add(text, "!") == text + "!"


class Base(unittest.TestCase):
    def test_inherited(self):
        """A docstring."""
        self.assertEqual(add(1, 1), 2)

    def test_overridden(self):
        self.fail("not this one")


class TestChild(Base):
    def test_overridden(self):
        with self.assertRaises(ValueError):
            fail()

    @unittest.expectedFailure
    def test_expected(self):
        self.assertEqual(add(1, 1), 3)

    @unittest.skip("no")
    def test_skipped(self):
        pass

    def test_parts(self):
        for number in (1, 2):
            with self.subTest(number=number):
                self.assertEqual(number, 1)


@pytest.mark.xfail
def test_xpass():
    assert add(1, 1) == 2


@pytest.fixture
def test_fixture_is_no_test():
    raise RuntimeError("in the fixture")


def test_error(test_fixture_is_no_test):
    pass


def test_teardown(request):
    def end():
        raise RuntimeError("at the end")

    request.addfinalizer(end)


def test_bad():
    assert add(1, 1) == 5


def helper_of_tests():
    return test_bad


def test_own_name(request):
    assert request.node.name == "test_own_name"
'''
FILES = {
    "larder/__init__.py": SOURCE,
    "tests/__init__.py": "",
    "tests/helper.py": "TWO = 2\n",
    "tests/conftest.py": "",
    MODULE: TESTS,
    "setup.cfg": "[tool:pytest]\naddopts = --nonsense\n",
}
EXPECTED = {
    "test_add[1-2-3]": "PASSED",
    "test_add[x::y - z]": "PASSED",
    "test_text[a[b]": "PASSED",
    "test_text[p::q]": "PASSED",
    "test_text[\\x1b[31m]": "PASSED",
    "Base::test_inherited": "PASSED",
    "Base::test_overridden": "FAILED",
    "TestChild::test_inherited": "PASSED",
    "TestChild::test_overridden": "PASSED",
    "TestChild::test_expected": "XFAIL",
    "TestChild::test_skipped": "SKIPPED",
    "TestChild::test_parts": "FAILED",
    "test_xpass": "XPASS",
    "test_error": "ERROR",
    "test_teardown": "ERROR",
    "test_bad": "FAILED",
    "test_own_name": "PASSED",
}


def _short(statuses: dict[str, TestStatus]) -> dict[str, str]:
    return {test.removeprefix(f"{MODULE}::"): str(status) for test, status in statuses.items()}


def test_pytest_plainly(lane: Range) -> None:
    """Ids keep their file, every status is told apart, and the project's own options do no harm."""
    run = lane.plain(FILES, MODULE)
    assert _short(run.statuses) == EXPECTED
    assert run.complete
    assert run.alarms == ()
    assert "assert 2 == 5" in run.messages[f"{MODULE}::test_bad"]
    assert run.imports_source() is True
    assert run.origins == {"larder": "/testbed/larder/__init__.py"}


def test_pytest_compiled(lane: Range) -> None:
    """Under random names, beside twins, from stubs: the same ids and statuses."""
    run = lane.compiled(FILES, MODULE, important=[f"{MODULE}::test_add[1-2-3]"])
    assert _short(run.statuses) == EXPECTED
    assert run.complete
    assert (run.alarms, run.twins_passed, run.twins_missing) == ((), {}, {})


@pytest.mark.parametrize("way", ["plain", "compiled"])
def test_unittest(lane: Range, way: str) -> None:
    """The unittest runner reports its tests under the ids that pytest gives them."""
    run = getattr(lane, way)(FILES, MODULE, recipe=UNITTEST)
    assert _short(run.statuses) == {test: status for test, status in EXPECTED.items() if "::test" in test}
    assert run.complete
    assert (run.alarms, run.twins_passed) == ((), {})


def test_seeds_change_the_order_and_nothing_else(lane: Range) -> None:
    """Another seed shuffles the tests; the same seed gives the same order."""
    runs = [lane.plain(FILES, MODULE, seed=seed) for seed in (0, 7, 7)]
    assert runs[0].census != runs[1].census
    assert runs[1].census == runs[2].census
    assert runs[0].statuses == runs[1].statuses


@pytest.mark.parametrize("recipe", [RECIPE, UNITTEST], ids=["pytest", "unittest"])
def test_a_module_that_cannot_be_imported(lane: Range, recipe) -> None:
    """Its error stands under its path; the other module's tests run."""
    files = {
        **FILES,
        "tests/test_broken.py": "import nothing_of_this_name\n",
        "tests/test_fine.py": "import unittest\nclass A(unittest.TestCase):\n    def test_a(self):\n        pass\n",
    }
    run = lane.plain(files, "tests/test_broken.py", "tests/test_fine.py", recipe=recipe)
    assert run.statuses == {"tests/test_fine.py::A::test_a": TestStatus.PASSED}
    assert "nothing_of_this_name" in run.messages["tests/test_broken.py"]


def test_the_work_tree_cannot_stand_in_for_the_machinery(lane: Range) -> None:
    """Files named like pytest's and Python's own modules are not loaded in their place."""
    shadows = {
        f"{name}.py": "raise SystemExit('shadowed')\n"
        for name in ("pytest", "_pytest", "json", "unittest", "pluggy", "random")
    }
    run = lane.plain({**FILES, **shadows}, MODULE)
    assert _short(run.statuses) == EXPECTED


def test_a_project_may_be_a_pytest_plugin(backend: Backend, venv: Path, tmp_path: Path) -> None:
    """An entry point of the installed project is loaded from the work tree, and its fixtures are there."""
    info = f"lib/python{RECIPE.python}/site-packages/larder-1.0.dist-info"
    plugin = {
        "METADATA": "Metadata-Version: 2.1\nName: larder\nVersion: 1.0\n",
        "entry_points.txt": "[pytest11]\nlarder = larder.plugin\n",
    }
    project = write(tmp_path / "project", {f"{info}/{name}": text for name, text in plugin.items()})
    files = {
        "larder/__init__.py": "",
        "larder/plugin.py": "import pytest\n\n@pytest.fixture\ndef jar():\n    return 'jar'\n",
        MODULE: "def test_jar(jar):\n    assert jar == 'jar'\n",
    }
    made = config(venv, write(tmp_path / "tree", files))
    layers = [
        layer.model_copy(update={"sources": (project, venv)}) if layer.target == "/opt/r2egym/venv" else layer
        for layer in made.layers
    ]
    run = run_tests(backend, made.model_copy(update={"layers": tuple(layers)}), RECIPE, [MODULE], timeout=60)
    assert _short(run.statuses) == {"test_jar": "PASSED"}


def test_a_slow_test_is_ended_and_named(lane: Range) -> None:
    """A test's own limit ends it, also when it swallows exceptions; the next one runs."""
    tests = (
        "import time\n\ndef test_slow():\n    try:\n        time.sleep(30)\n    except Exception:\n        pass\n"
        "\n\ndef test_quick():\n    pass\n"
    )
    run = lane.plain({**FILES, MODULE: tests}, MODULE, test_timeout=0.5)
    assert _short(run.statuses) == {"test_slow": "FAILED", "test_quick": "PASSED"}
    assert run.timeouts == (f"{MODULE}::test_slow",)


def test_a_run_that_takes_too_long_is_incomplete(lane: Range) -> None:
    """What was reported before the run's limit is kept."""
    tests = "import time\n\ndef test_quick():\n    pass\n\n\ndef test_slow():\n    time.sleep(60)\n"
    run = lane.plain({**FILES, MODULE: tests}, MODULE, timeout=10.0)
    assert _short(run.statuses) == {"test_quick": "PASSED"}
    assert not run.complete
    assert run.exec.timed_out


def test_settings_that_change_meaning_are_kept(lane: Range) -> None:
    """Names of tests come from the project's own settings; options that only steer reports do not."""
    files = {
        "larder/__init__.py": SOURCE,
        "checks/check_it.py": "class Suite:\n    def check_one(self):\n        assert 1 + 1 == 2\n\n    def test_no(self):\n        assert False\n",
        "pyproject.toml": '[tool.pytest.ini_options]\npython_functions = ["check_*"]\npython_classes = "Suite"\n'
        'addopts = "--maxfail=1 --cov=larder"\nfilterwarnings = "error"\nminversion = "99"\n',
    }
    for run in (lane.plain(files, "checks/check_it.py"), lane.compiled(files, "checks/check_it.py")):
        assert run.statuses == {"checks/check_it.py::Suite::check_one": TestStatus.PASSED}


def test_what_the_hidden_tests_are_is_nowhere_on_disk(lane: Range) -> None:
    """Neither files, nor environment, nor command line, nor standard input tell a test's text or name."""
    spy = (
        "import os, sys\n"
        "found = [open(os.path.join(d, f), 'rb').read() for d, _, fs in os.walk('/testbed') for f in fs]\n"
        "found += [open('/proc/self/' + name, 'rb').read() for name in ('cmdline', 'environ')]\n"
        "found += [os.read(0, 100)]\n"
        "SEEN = any(b'quin' + b'ce' in text or b'own' + b'_name' in text for text in found)\n"
    )
    tests = "from larder import SEEN\n\n\ndef test_of_own_name():\n    assert not SEEN, 'quince'\n"
    run = lane.compiled(
        {"larder/__init__.py": spy, "tests/test_secret_module.py": tests}, "tests/test_secret_module.py"
    )
    assert list(run.statuses.values()) == [TestStatus.PASSED]
