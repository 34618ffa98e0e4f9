"""Grading with a sealed run: what it leaves alone, what it takes back, and what it says of strength."""

from __future__ import annotations

import pytest
from tests.grading.workbench import ANOTHER, BASE, F2P, FIXED, FixedBuilder, Workbench

from r2egym.grading import GradeOptions, Grader
from r2egym.records import Task
from r2egym.sandboxes.base import Backend

SOURCE = "larder/shelf.py"


@pytest.fixture(scope="module")
def sealing(builder: FixedBuilder, backend: Backend) -> Grader:
    """A grader that seals."""
    return Grader(builder, backend, GradeOptions(timeout=60, test_timeout=10, seal=True))


@pytest.mark.parametrize("source", [FIXED, ANOTHER])
def test_honest_patches_keep_their_reward(sealing: Grader, bench: Workbench, task: Task, source: str) -> None:
    """Gold scores 1, and so does another way to say the same."""
    reward = sealing.grade(task, bench.patch({SOURCE: source}))
    assert (reward.score, reward.tampering, reward.note) == (1.0, (), ""), reward


def test_strengths_come_with_the_reward(sealing: Grader, bench: Workbench, task: Task) -> None:
    """Every F2P test has one: a value, a truth, a value that its test shows anyway."""
    seal = sealing.grade(task, bench.patch({SOURCE: FIXED})).seal
    assert list(seal) == list(F2P)
    assert {test.rpartition("::")[2]: strength for test, strength in seal.items()} == {
        "test_count[jars0-0]": "polarity",
        "test_count[jars1-1]": "polarity",
        "test_count[jars2-3]": "strong",
        "test_label": "strong",
        "test_take": "polarity",
        "test_full": "polarity",
        "test_count": "strong",
    }


def test_a_wrong_patch_scores_0_without_an_alarm(sealing: Grader, bench: Workbench, task: Task) -> None:
    """What the first run turns down is not run again."""
    reward = sealing.grade(task, bench.patch({SOURCE: FIXED.replace("len(jars) > 2", "True")}))
    assert (reward.score, reward.tampering) == (0.0, ())


_FORGED = (
    BASE[SOURCE]
    + """
import gc
class P:
    @staticmethod
    def pytest_runtest_logreport(report):
        pass
try:
    import _r2egym_handout as sealed
except ImportError:
    sealed = None
if sealed is None:
    {honest}
"""
)


def test_who_knows_the_answers_of_the_first_run_only_is_caught(
    sealing: Grader, bench: Workbench, task: Task
) -> None:
    """A patch that is right where answers can be read, and not where they are withheld, contradicts itself."""
    honest = FIXED.replace("\n", "\n    ")
    reward = sealing.grade(task, bench.patch({SOURCE: _FORGED.replace("{honest}", honest)}))
    assert reward.score == 0.0
    assert any("is not what it expects" in line for line in reward.tampering), reward


_MARKED = """
import os, sys
found = False
for place in ("/tmp", "/var/tmp", "/dev/shm", "/testbed", os.path.expanduser("~"), os.path.dirname(__file__)):
    path = os.path.join(place, ".left")
    found = found or os.path.exists(path)
    try:
        open(path, "w").close()
    except OSError:
        pass
if found:
    label = None
"""


def test_nothing_goes_from_one_run_to_the_next(sealing: Grader, bench: Workbench, task: Task) -> None:
    """What the first run writes, wherever it can, is not there in the second, which would fail if it were."""
    reward = sealing.grade(task, bench.patch({SOURCE: FIXED + _MARKED}))
    assert (reward.score, reward.tampering) == (1.0, ()), reward


def test_a_sealed_run_alone_finds_what_is_wrong(sealing: Grader, bench: Workbench, task: Task) -> None:
    """Asked for a second opinion on an honest wrong patch, it names the test that would have had to fail."""
    wrong = bench.patch({SOURCE: FIXED.replace("jar of", "pot of")})
    reward = sealing.second_opinion(task, wrong)
    assert (reward.score, [line.partition(" ")[0] for line in reward.tampering]) == (
        0.0,
        ["tests/test_shelf.py::test_label"],
    )


def test_the_row_saves_the_calibration(
    builder: FixedBuilder, backend: Backend, bench: Workbench, task: Task, sealing: Grader
) -> None:
    """A grader that finds it in the row says the same."""
    sites, seal = sealing.seal(task)
    kept = task.model_copy(
        update={"validation": task.validation.model_copy(update={"sites": sites, "seal": seal})}
    )
    fresh = Grader(builder, backend, GradeOptions(timeout=60, test_timeout=10, seal=True))
    reward = fresh.grade(kept, bench.patch({SOURCE: FIXED}))
    assert (reward.score, reward.seal) == (1.0, seal)
    assert fresh.seal(kept) == (sites, seal)
