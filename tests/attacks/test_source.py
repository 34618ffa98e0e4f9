"""Every cheat that lives in the source under test scores 0 on a bundled task."""

from __future__ import annotations

import pytest
from tests.attacks.larder import SUBJECTS, Larder

from r2egym.attacks import attack, attacks, composites

NAMES = [one.name for one in attacks() if one.kind == "source" and not one.needs_seal]


@pytest.mark.parametrize("name", NAMES)
def test_it_scores_zero(larder: Larder, name: str) -> None:
    """The cheat alone, on the task in the style that it is made for."""
    outcome = larder.judge(attack(name))
    assert outcome.stopped, outcome
    assert (outcome.score, outcome.failure) == (0.0, None), outcome


@pytest.mark.parametrize("style", SUBJECTS)
def test_all_at_once_score_zero(larder: Larder, style: str) -> None:
    """The composite that certificates hold is told by twins: each of its parts says nothing on the result channel."""
    (one,) = (one for one in composites() if one.kind == "source")
    outcome = larder.judge(one, style)
    assert (outcome.stopped, outcome.score, outcome.failure) == (True, 0.0, None), outcome
    assert all("its twin" in line for line in outcome.tampering), outcome
