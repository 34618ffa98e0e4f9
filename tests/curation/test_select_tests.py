"""Which files of a fix are hidden, and which of them are run: on real commits."""

from pathlib import Path

import pytest
from tests.mining.repositories import commit

from r2egym.curation.funnel import NotATaskError
from r2egym.curation.select_tests import select_tests, together
from r2egym.mining import Candidate, MiningConfig, Repository, mine, split_patch

BASE = {
    "pkg/__init__.py": "",
    "pkg/jars.py": "def seal():\n    return 1\n",
    "bare/pan.py": "",
    "tests/util.py": "a = 1\n",
}
FIX = {"pkg/jars.py": "def seal():\n    return 2\n"}


def selected(root: Path, change: dict[str, str | bytes | None]) -> tuple[tuple[str, ...], list[str], str]:
    """Modules and hidden files of one commit after ``BASE``, and its gold patch."""
    base = commit(root, BASE, day=1)
    fix = commit(root, {**FIX, **change}, day=2)
    repository = Repository(root)
    hidden = select_tests(repository, base, fix)
    candidate = next(one for one in mine(repository, MiningConfig()) if isinstance(one, Candidate))
    paths = [file.path for file in hidden.files]
    return hidden.modules, paths, split_patch(repository, candidate, paths).source


def test_all_that_differs_among_the_tests_is_hidden(tmp_path: Path):
    """Modules are run; helpers and data lie beside them."""
    change = {
        "tests/test_a.py": "def test_x(): pass\n",
        "tests/util.py": "a = 2\n",
        "tests/data/a.bin": b"\xff",
    }
    modules, paths, gold = selected(tmp_path / "r", change)
    assert modules == ("tests/test_a.py",)
    assert paths == ["tests/data/a.bin", "tests/test_a.py", "tests/util.py"]
    assert "pkg/jars.py" in gold
    assert "tests/" not in gold


def test_a_suite_of_another_name_is_found_by_what_it_holds(tmp_path: Path):
    """Where no file has a test's name, those are run that define tests; helpers are not."""
    suite = "import unittest\nclass Jars(unittest.TestCase):\n    def testSeal(self): pass\n"
    modules, _, _ = selected(tmp_path / "r", {"tests/jars_suite.py": suite, "tests/util.py": "a = 2\n"})
    assert modules == ("tests/jars_suite.py",)


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("samples/a.json", 'open("samples/a.json")'),
        ("support/oven.py", "from support.oven import heat"),
        ("support/oven.py", "import oven"),
    ],
)
def test_what_came_for_the_tests_alone_is_hidden_too(tmp_path: Path, path: str, line: str):
    """A new file outside every package that a test names or imports: no agent could know of it."""
    _, paths, gold = selected(
        tmp_path / "r", {"tests/test_a.py": f"{line}\ndef test_x(): pass\n", path: "1\n"}
    )
    assert path in paths
    assert path not in gold


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("pkg/data/a.json", 'open("pkg/data/a.json")'),
        ("pkg/oven.py", "from pkg.oven import heat"),
        ("bare/oven.py", "from bare.oven import heat"),
        ("bare/deep/oven.py", "from bare.deep.oven import heat"),
        ("web/src/bare/oven.py", "from bare.oven import heat"),
        ("samples/a.json", 'open("b.json")'),
        ("docs/a.md", 'open("docs/a.md")'),
    ],
)
def test_what_the_fix_brings_stays_in_it(tmp_path: Path, path: str, line: str):
    """Parts of a package, documents, and what no test speaks of are the fix's own."""
    _, paths, gold = selected(
        tmp_path / "r", {"tests/test_a.py": f"{line}\ndef test_x(): pass\n", path: "1\n"}
    )
    assert path not in paths
    assert path in gold


def test_helpers_alone_judge_nothing(tmp_path: Path):
    """Without a module that holds tests there is nothing to run."""
    with pytest.raises(NotATaskError, match="no-test-module"):
        selected(tmp_path / "r", {"tests/util.py": "a = 2\n"})


@pytest.mark.parametrize(
    ("modules", "packages", "kept"),
    [
        (
            ["api/tests/test_a.py", "web/tests/test_b.py", "web/tests/test_c.py"],
            ["api/tests", "web/tests"],
            [1, 2],
        ),
        (["api/tests/test_a.py", "web/tests/test_b.py"], ["api/tests", "web/tests"], [0]),
        (["api/tests/test_a.py", "web/tests/test_b.py"], ["web/tests"], [0, 1]),
        (["api/test_a.py", "web/test_a.py", "web/test_b.py"], [], [0, 2]),
        (
            ["pkg/x/tests/test_a.py", "pkg/y/tests/test_a.py"],
            ["pkg", "pkg/x", "pkg/x/tests", "pkg/y", "pkg/y/tests"],
            [0, 1],
        ),
    ],
)
def test_modules_of_one_name_are_not_run_together(modules: list[str], packages: list[str], kept: list[int]):
    """Python imports one module of a name: the larger group stays, of equal ones the first."""
    paths = [*modules, *(f"{package}/__init__.py" for package in packages)]
    assert list(together(modules, paths)) == [modules[place] for place in kept]
