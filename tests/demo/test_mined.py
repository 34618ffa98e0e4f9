"""The bundled history, mined: every commit ends where it was written down that it would."""

from pathlib import Path

from r2egym.demo import Demo
from r2egym.mining import Candidate, MiningConfig, Repository, mine


def test_mining_says_what_was_expected(demo: Demo, tmp_path: Path) -> None:
    """Every commit comes out once: a candidate, or rejected for the expected reason."""
    found = list(mine(Repository.open(demo.repository, tmp_path), MiningConfig()))
    expected = {outcome.commit: outcome for outcome in demo.outcomes.values()}
    seen = {}
    for one in found:
        commit = one.commit.hash if isinstance(one, Candidate) else one.commit
        seen[expected[commit].subject] = "candidate" if isinstance(one, Candidate) else one.reason
    assert len(found) == len(seen) == len(expected)
    assert seen == {
        outcome.subject: str(outcome.reason) if outcome.stage == "mine" else "candidate"
        for outcome in expected.values()
    }
