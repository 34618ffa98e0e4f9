"""The machinery inside under CPython 2.7: plain and compiled runs, twins, time limits."""

import shutil
import subprocess
from pathlib import Path

import pytest
from tests.testing.conftest import Range
from tests.testing.sandboxed import config, write

from r2egym import settings
from r2egym.records import Recipe
from r2egym.sandboxes.base import Backend, SandboxConfig
from r2egym.testing import Verdict

RECIPE = Recipe(python="2.7", packages=("larder",), runner="unittest")
MODULE = "tests/test_larder.py"
SOURCE = "class Jam:\n    pass\n\ndef spread(what):\n    print 'spreading'\n    return u'jam on %s' % what\n"
TESTS = """
import time, unittest
from larder import Jam, spread

class TestLarder(unittest.TestCase):
    def test_equal(self):
        self.assertEqual(spread('toast'), u'jam on toast')
    def test_old_names(self):
        self.failUnlessEqual(len(spread('toast')), 12L)
    def test_old_raises(self):
        self.failUnlessRaises(ZeroDivisionError, lambda: 1 / 0)
    def test_items(self):
        self.assertItemsEqual([1, 2], [2, 1])
    def test_pattern(self):
        self.assertRegexpMatches(spread('a'), 'jam')
    def test_raises_pattern(self):
        with self.assertRaisesRegexp(KeyError, 'x'):
            {}['x']
    def test_bare(self):
        assert isinstance(Jam(), Jam) and spread('a').endswith('a')
    def test_wrong(self):
        self.assertEqual(spread('toast'), 'butter')
    def test_slow(self):
        time.sleep(30)
"""
NAMES = ("equal", "old_names", "old_raises", "items", "pattern", "raises_pattern", "bare")
FILES = {"larder/__init__.py": SOURCE, "tests/__init__.py": "", MODULE: TESTS}


class OldRange(Range):
    """Runs in an environment of CPython 2.7."""

    prefix = ""

    def config(self, files: dict[str, str]) -> SandboxConfig:
        """A sandbox with these files at /testbed."""
        self.number += 1
        return config(self.venv, write(self.folder / str(self.number), files), prefix=self.prefix)


@pytest.fixture(scope="module")
def old_lane(backend: Backend, tmp_path_factory: pytest.TempPathFactory) -> Range:
    """Where tests run on 2.7."""
    known = settings.load()
    places = [
        str(folder)
        for folder in [*known.path, *known.pyenv_root.glob("versions/*/bin")]
        if "shims" not in str(folder)
    ]
    found = shutil.which("python2.7", path=":".join(places))
    if not found:
        pytest.skip("no CPython 2.7 on this machine")
    done = subprocess.run(
        [found, "-c", "import sys; print(sys.prefix)"], check=True, capture_output=True, text=True
    )
    venv = tmp_path_factory.mktemp("venv27")
    (venv / "bin").mkdir()
    (venv / "bin/python").symlink_to("/opt/r2egym/python/bin/python2.7")
    lane = OldRange(backend, venv, tmp_path_factory.mktemp("range27"))
    lane.prefix = str(Path(done.stdout.strip()))
    return lane


def test_plain_and_compiled(old_lane: Range) -> None:
    """Tests in the words of Python 2 run as they lie there, and compiled with twins that fail where they pass."""
    ids = {f"{MODULE}::TestLarder::test_{name}" for name in NAMES}
    wrong, slow = (f"{MODULE}::TestLarder::test_{name}" for name in ("wrong", "slow"))
    run = old_lane.plain(FILES, MODULE, recipe=RECIPE, test_timeout=3.0)
    assert {test for test, status in run.statuses.items() if status == "PASSED"} == ids
    assert set(run.statuses) - ids == {wrong, slow}
    assert (run.timeouts, run.complete) == ((slow,), True)
    quick = {**FILES, MODULE: TESTS.replace("sleep(30)", "sleep(0)")}
    made = old_lane.compile(quick, MODULE, recipe=RECIPE)
    assert [name for name in ids if not made.defined[name]] == []
    again = old_lane.compiled(quick, MODULE, recipe=RECIPE)
    assert {test for test, status in again.statuses.items() if status == "PASSED"} == {*ids, slow}
    assert (again.twins_passed, again.complete) == ({}, True)


def test_what_is_equal_to_anything_is_caught(old_lane: Range) -> None:
    """A class of Python 2 that claims to be equal to everything passes a twin, too."""
    cheat = "class Jam:\n    def __eq__(self, other):\n        return True\n\ndef spread(what):\n    return Jam()\n"
    run = old_lane.compiled({**FILES, "larder/__init__.py": cheat}, MODULE, recipe=RECIPE)
    assert f"{MODULE}::TestLarder::test_equal" in run.twins_passed


def test_sealed(old_lane: Range) -> None:
    """Sealed tests in the words of Python 2 hand out what is judged as Python 2 compares it."""
    quick = {**FILES, MODULE: TESTS.replace("sleep(30)", "sleep(0)")}
    made = old_lane.compile(quick, MODULE, recipe=RECIPE, mode="sealed")
    run = old_lane.sealed(quick, MODULE, recipe=RECIPE, made=made)
    ids = {f"{MODULE}::TestLarder::test_{name}" for name in NAMES}
    said = {test: set(places.values()) for test, places in run.verdicts.items()}
    assert {test: said[test] for test in ids} == {test: {Verdict.RIGHT} for test in ids}
    assert said[f"{MODULE}::TestLarder::test_wrong"] == {Verdict.WRONG}
    assert (run.run.complete, run.run.alarms) == (True, ())
    cheat = "class Jam:\n    def __eq__(self, other):\n        return True\n\ndef spread(what):\n    return Jam()\n"
    forged = old_lane.sealed({**quick, "larder/__init__.py": cheat}, MODULE, recipe=RECIPE, made=made)
    assert set(forged.verdicts[f"{MODULE}::TestLarder::test_equal"].values()) == {Verdict.OPAQUE}
