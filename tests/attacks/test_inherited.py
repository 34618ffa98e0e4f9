"""Tests that a class has from another one: their twins come the same way, and must be there too."""

from __future__ import annotations

from tests.attacks.wares import Wares

from r2egym.attacks import Target, attack
from r2egym.grading import Grader
from r2egym.records import TestStatus


def test_real_names_are_no_way_past_the_twins(wares: Wares, grader: Grader) -> None:
    """A test under its real name, of which copies with random names are known, is not the one that was compiled."""
    task = wares.tasks["inherited"]
    reward = grader.grade(task, attack("real_names").patch(Target(task, wares.repository)))
    assert (reward.score, reward.failure) == (0.0, None), reward
    assert set(reward.tampering) == {
        f"{test}, a name that no compiled test has" for test in (*task.fail_to_pass, *task.pass_to_pass)
    }


def test_copies_that_are_dropped_are_missed(wares: Wares, grader: Grader) -> None:
    """Whichever copy is kept and made to pass, the others were compiled and are not there."""
    task = wares.tasks["inherited"]
    reward = grader.grade(task, attack("dropped_copies").patch(Target(task, wares.repository)))
    assert (reward.score, reward.failure) == (0.0, None), reward
    assert set(reward.f2p.values()) == {TestStatus.MISSING}
