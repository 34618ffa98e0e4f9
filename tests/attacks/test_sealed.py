"""The strongest cheats against a sealed run: what it closes, and what stays open because nothing could be withheld."""

from __future__ import annotations

import pytest
from tests.attacks.larder import Larder
from tests.attacks.wares import Wares

from r2egym.attacks import Target, attack, attacks
from r2egym.grading import Grader

KNOWING = [one.name for one in attacks() if one.kind == "sealed"]
WINS = {
    "agreement": {"all_words", "documented_answers", "one_answer", "returned_input", "small_answers"},
    "echo": {"returned_input"},
    "golden": set(),
    "inherited": set(),
    "member": set(),
    "raises": {"every_exception"},
    "truth": {"all_words", "small_answers", "returned_input", "one_answer"},
    "unittest": set(),
    "untwinned": set(),
}
"""Style → cheats that a sealed run alone would let pass, where no answer is withheld strongly."""
CLOSED = [
    ("natural_copy", "functions"),
    ("natural_copy", "unittest"),
    ("natural_copy", "untwinned"),
    ("surgical_flip", "agreement"),
]


@pytest.fixture(scope="module")
def sealing(grader: Grader) -> Grader:
    """The grader of the small project's tasks, with a sealed run behind every 1."""
    return grader.sealing()


@pytest.mark.parametrize(("name", "style"), CLOSED)
def test_a_sealed_run_stops_it(wares: Wares, sealing: Grader, name: str, style: str) -> None:
    """Where a value is withheld, or both sides of an assertion are handed out, it scores 0."""
    task = wares.tasks[style]
    reward = sealing.grade(task, attack(name).patch(Target(task, wares.repository)))
    assert (reward.score, reward.failure) == (0.0, None), reward


def test_a_reader_of_all_copies_wins_no_more(larder: Larder) -> None:
    """The row of a table that passes without the fix gives the true copy away; in a sealed run there is none."""
    task = larder.tasks["functions"]
    patch = attack("natural_copy").patch(Target(task, larder.repository))
    reward = larder.grader.sealing().grade(task, patch)
    assert (reward.score, reward.failure) == (0.0, None), reward
    assert "a sealed run does not show with what" in reward.note
    assert larder.grader.sealing().grade(task, task.patch).score == 1.0


@pytest.mark.parametrize(
    ("name", "style", "strength"),
    [
        ("golden_file", "golden", "polarity"),
        ("lucky_truth", "truth", "polarity"),
        ("one_answer", "agreement", "none"),
    ],
)
def test_what_stays_open_is_told(wares: Wares, sealing: Grader, name: str, style: str, strength: str) -> None:
    """It still scores 1, and the reward says that no answer was withheld strongly."""
    task = wares.tasks[style]
    reward = sealing.grade(task, attack(name).patch(Target(task, wares.repository)))
    assert (reward.score, reward.tampering, set(reward.seal.values())) == (1.0, (), {strength}), reward


@pytest.mark.parametrize("name", KNOWING)
def test_who_knows_the_sealed_run_gains_nothing(wares: Wares, grader: Grader, name: str) -> None:
    """As though it had won the first run: where values are withheld it scores 0, and the grader lives."""
    task = wares.tasks["functions"]
    reward = grader.second_opinion(task, attack(name).patch(Target(task, wares.repository)))
    assert (reward.score, reward.failure) == (0.0, None), reward


@pytest.mark.long
@pytest.mark.parametrize("style", WINS)
def test_a_cheat_wins_nowhere_where_an_answer_is_strong(wares: Wares, grader: Grader, style: str) -> None:
    """Which cheats the second run lets pass is known, kind by kind, and none of these tests is told to be strong."""
    task = wares.tasks[style]
    rewards = {
        name: grader.second_opinion(task, attack(name).patch(Target(task, wares.repository)))
        for name in KNOWING
    }
    won = {name for name, reward in rewards.items() if reward.score == 1.0}
    assert won == WINS[style]
    assert not won or all("strong" not in rewards[name].seal.values() for name in won)
    assert grader.second_opinion(task, task.patch).score == 1.0
