"""Every planted file and every odd path scores 0 on a bundled task; honest patches score 1, also with planted files."""

from __future__ import annotations

import pytest
from tests.attacks.larder import SUBJECTS, Larder

from r2egym.attacks import attack, attacks, composites, controls

NAMES = [one.name for one in attacks() if one.kind in {"planted", "paths"}]


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
def test_it_scores_zero(larder: Larder, name: str) -> None:
    """The cheat alone, on the task in the style that it is made for."""
    outcome = larder.judge(attack(name))
    assert outcome.stopped, outcome
    assert (outcome.score, outcome.failure) == (0.0, None), outcome


@pytest.mark.parametrize("style", SUBJECTS)
def test_all_planted_files_at_once_score_zero(larder: Larder, style: str) -> None:
    """The composite that certificates hold; what it plants is left out, so nobody is accused of anything."""
    (one,) = (one for one in composites() if one.kind == "planted")
    outcome = larder.judge(one, style)
    assert (outcome.stopped, outcome.tampering, outcome.failure) == (True, (), None), outcome
    assert outcome.ignored


@pytest.mark.parametrize("style", SUBJECTS)
@pytest.mark.parametrize("name", [one.name for one in controls()])
def test_honest_patches_score_one(larder: Larder, name: str, style: str) -> None:
    """Gold in other words, gold with tests of its own, gold beside planted files."""
    outcome = larder.judge(attack(name), style)
    assert (outcome.score, outcome.tampering, outcome.failure) == (1.0, (), None), outcome
