"""Patterns against messages that untrusted code chose."""

from __future__ import annotations

import pytest
from tests.testing.conftest import Range

from r2egym.testing import patterns


def test_patterns_are_searched_for(lane: Range) -> None:
    """As ``re.search`` does, in order; of what is no pattern nothing is known."""
    config = lane.config({"larder.py": ""})
    pairs = [("no .* here", "there is no salt here"), ("^salt", "no salt"), ("(", "("), ("(?i)SALT", "salt")]
    assert patterns.match_all(lane.backend, config, pairs) == [True, False, None, True]
    assert patterns.match_all(lane.backend, config, []) == []


def test_a_message_that_makes_a_pattern_endless_tells_nothing(
    lane: Range, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time limit is the sandbox's. Neither a match nor its absence is believed then: a text that must *not* match could be had so."""
    monkeypatch.setattr(patterns, "_SECONDS", 3.0)
    pairs = [("salt", "salt"), ("(a+)+$", "a" * 60 + "!")]
    assert patterns.match_all(lane.backend, lane.config({"larder.py": ""}), pairs) == [None, None]
