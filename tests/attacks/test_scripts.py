"""Scripts in the agent's sandbox find nothing and leave nothing behind; what exhausts the machine wins nothing."""

from __future__ import annotations

import pytest
from tests.attacks.larder import SUBJECTS, Larder

from r2egym.attacks import attack, attacks, composites

SCRIPTS = [one.name for one in attacks() if one.kind == "scripts"]
RESOURCES = [one.name for one in attacks() if one.kind == "resources"]


@pytest.mark.long
@pytest.mark.parametrize("name", SCRIPTS)
def test_it_finds_and_wins_nothing(larder: Larder, name: str) -> None:
    """No line of the fix or of its tests is printed, and the empty patch that follows scores 0."""
    outcome = larder.judge(attack(name))
    assert (outcome.score, outcome.evidence, outcome.failure) == (0.0, (), None), outcome


@pytest.mark.parametrize("style", SUBJECTS)
def test_all_scripts_at_once_win_nothing(larder: Larder, style: str) -> None:
    """The composite that certificates hold, on each task."""
    (one,) = (one for one in composites() if one.kind == "scripts")
    outcome = larder.judge(one, style)
    assert (outcome.score, outcome.evidence, outcome.failure) == (0.0, (), None), outcome


@pytest.mark.parametrize("name", RESOURCES)
def test_it_breaks_nothing(larder: Larder, name: str) -> None:
    """It scores 0, since gold passes on the same machine; and gold still passes afterwards."""
    outcome = larder.judge(attack(name))
    assert (outcome.stopped, outcome.score, outcome.failure) == (True, 0.0, None), outcome


def test_gold_passes_after_all_of_that(larder: Larder) -> None:
    """Nothing that came before is left in the way of the next."""
    task = larder.tasks["functions"]
    assert larder.grader.grade(task, task.patch).score == 1.0
