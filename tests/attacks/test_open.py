"""Cheats that are listed as open do win, so that the list says no more and no less than what is so."""

from __future__ import annotations

import pytest
from tests.attacks.larder import Larder
from tests.attacks.wares import SUITES, Wares

from r2egym.attacks import Attack, Target, attack
from r2egym.grading import Grader

pytestmark = pytest.mark.long


@pytest.mark.parametrize(
    ("name", "style"),
    [
        ("golden_file", "golden"),
        ("lucky_truth", "truth"),
        ("one_answer", "agreement"),
        ("natural_copy", "untwinned"),
        ("surgical_flip", "agreement"),
    ],
)
def test_an_open_cheat_wins(wares: Wares, grader: Grader, name: str, style: str) -> None:
    """It scores 1 without an alarm. When it does so no longer, take ``needs_seal`` off it and move it out of the list."""
    task = wares.tasks[style]
    reward = grader.grade(task, attack(name).patch(Target(task, wares.repository)))
    assert (reward.score, reward.tampering, reward.failure) == (1.0, (), None), reward


def test_a_reader_of_all_copies_wins(larder: Larder) -> None:
    """Where a row of a table passes without the fix, it gives the true copy away, and the other rows with it."""
    outcome = larder.judge(attack("natural_copy"), "functions")
    assert (outcome.score, outcome.tampering, outcome.needs_seal) == (1.0, (), True), outcome


@pytest.mark.parametrize("name", ["golden_file", "lucky_truth", "surgical_flip"])
@pytest.mark.parametrize("style", ["functions", "raises"])
def test_they_win_nowhere_else(wares: Wares, grader: Grader, name: str, style: str) -> None:
    """Tests that state what they expect are not open to them."""
    task = wares.tasks[style]
    reward = grader.grade(task, attack(name).patch(Target(task, wares.repository)))
    assert (reward.score, reward.failure) == (0.0, None), reward


@pytest.mark.parametrize("style", SUITES)
def test_gold_wins_and_nothing_does_not(wares: Wares, grader: Grader, style: str) -> None:
    """The small project's tasks are tasks."""
    task = wares.tasks[style]
    nothing = Attack("t.nothing", "Nothing.", "paths")
    assert grader.grade(task, task.patch).score == 1.0
    assert grader.grade(task, nothing.patch(Target(task, wares.repository))).score == 0.0
