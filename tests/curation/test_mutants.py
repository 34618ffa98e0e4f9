"""Small faults in a fix: which there are, that their patches apply, and what tests make of them."""

import subprocess
import time
from pathlib import Path

import pytest
from tests.grading.workbench import BASE, FIXED

from r2egym.curation.mutants import mutants
from r2egym.curation.mutation import measure_mutation
from r2egym.environment import Facilities
from r2egym.grading import GradeOptions, Grader
from r2egym.records import Reward, Task

BEFORE = "import math\n\n\ndef area(r):\n    return 0\n"
AFTER = (
    '__all__ = ["area"]\n'
    "import math\n\n\ndef area(r):\n"
    '    """Of a circle with this radius."""\n'
    "    if r <= 0 and not math.isnan(r):\n        raise ValueError('too small')\n"
    "    return round(math.pi * r, ndigits=2)\n"
)


def git(folder: Path, *words: str) -> str:
    """What git says."""
    run = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=True)
    return run.stdout


@pytest.fixture
def patch(tmp_path: Path) -> str:
    """The change from one text to the other, in a repository whose work tree has the first."""
    (tmp_path / "é.py").write_text(BEFORE)
    (tmp_path / "shape.py").write_text(BEFORE)
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    (tmp_path / "shape.py").write_text(AFTER)
    (tmp_path / "notes.txt").write_text("a note\n")
    git(tmp_path, "add", "-N", ".")
    made = git(tmp_path, "diff")
    git(tmp_path, "checkout", "-q", "--", "shape.py")
    git(tmp_path, "rm", "-q", "--cached", "notes.txt")
    (tmp_path / "notes.txt").unlink()
    return made


def test_faults_are_slips_in_the_lines_that_were_added(patch: str):
    """One of each kind that the fix gives occasion for; none in a docstring or a list of public names."""
    found = mutants(patch, {"shape.py": BEFORE}, {"shape.py": AFTER}, 100)
    told = {(one.operator, one.after) for one in found}
    assert told >= {
        ("comparison", "r < 0"),
        ("connective", "((r <= 0) or (not math.isnan(r)))"),
        ("negation", "(math.isnan(r))"),
        ("condition", "(not (r <= 0 and not math.isnan(r)))"),
        ("constant", "1"),
        ("constant", "3"),
        ("arithmetic", "(math.pi) + (r)"),
        ("argument", "round(math.pi * r)"),
        ("call", "r"),
        ("return", "return None"),
        ("statement", "pass"),
    }
    assert {one.line for one in found} <= {7, 8, 9}
    assert found[0].name.startswith("shape.py:7 ")


def test_every_mutant_s_patch_applies(patch: str, tmp_path: Path):
    """And gives the fixed files with that one change."""
    for one in mutants(patch, {"shape.py": BEFORE}, {"shape.py": AFTER}, 100):
        subprocess.run(["git", "apply"], cwd=tmp_path, input=one.patch, text=True, check=True)
        text = (tmp_path / "shape.py").read_text()
        assert one.after in text
        changed = [line for line in text.splitlines() if line not in AFTER.splitlines()]
        assert len(changed) == 1
        assert (tmp_path / "notes.txt").exists()
        git(tmp_path, "checkout", "-q", "--", "shape.py")
        (tmp_path / "notes.txt").unlink()


def test_few_are_spread_over_all_lines(patch: str):
    """However many a line has; the same ones every time."""
    few = mutants(patch, {"shape.py": BEFORE}, {"shape.py": AFTER}, 3)
    assert [one.line for one in few] == [7, 8, 9]
    assert few == mutants(patch, {"shape.py": BEFORE}, {"shape.py": AFTER}, 3)


def test_what_cannot_be_parsed_has_none(patch: str):
    """Old syntax, or no Python at all."""
    assert mutants(patch, {}, {"shape.py": "print 'old'\n"}, 9) == []
    assert mutants(patch, {}, {}, 9) == []


def test_the_machinery_s_failures_are_no_verdict(patch: str):
    """The score counts what was judged."""
    found = mutants(patch, {"shape.py": BEFORE}, {"shape.py": AFTER}, 4)
    says = iter([True, False, None, False])
    told = measure_mutation(
        found, lambda _: Reward(instance_id="a", resolved=(said := next(says)), score=said and float(said))
    )
    assert (told.mutants, told.killed, told.unknown, len(told.survivors)) == (4, 2, 1, 1)
    assert told.score == pytest.approx(0.6667)


def test_hidden_tests_notice_faults(facilities: Facilities, task: Task):
    """Graded like any other patch; the larder's tests notice that a jar is counted twice."""
    path = "larder/shelf.py"
    found = mutants(task.patch, {path: BASE[path]}, {path: FIXED}, 20)
    slips = [one for one in found if one.before in {"len(jars)", "return len(jars)"}]
    assert len(slips) == 3
    told = measure_mutation(slips, lambda patch: facilities.grade(task, patch))
    assert (told.killed, told.unknown, told.score) == (3, 0, 1.0)


def test_a_fault_that_never_ends_is_noticed_soon(facilities: Facilities, task: Task):
    """Its run is given a little more than gold's, not the minutes that a patch of somebody's has."""
    endless = task.patch.replace(
        "    return len(jars)\n", "    return len(jars) + len([1 for _ in iter(int, 1)])\n"
    )
    assert endless != task.patch
    grader = Grader(facilities.builder, facilities.backend).hurried(3.0)
    assert grader.grade(task, task.patch).resolved
    started = time.monotonic()
    reward = grader.grade(task, endless)
    assert (reward.resolved, reward.failure) == (False, None)
    assert time.monotonic() - started < GradeOptions().test_timeout
