"""The bench of the viewer."""

from pathlib import Path

import pytest

from r2egym.bench import viewer
from r2egym.errors import UsageError
from r2egym.settings import load


@pytest.mark.long
def test_a_small_run_is_measured(tmp_path: Path):
    """Every line comes, with its peer; nothing is left behind but what was asked for."""
    lines = list(viewer.run(load(), "40", str(tmp_path)))
    assert {line.name.partition(" ")[0] for line in lines} >= {"index", "open,", "search", "memory"}
    assert all(line.ours > 0 and line.reference for line in lines)
    assert [path.name for path in tmp_path.iterdir()] == ["made-up"]


def test_number_of_attempts_is_one():
    """What is no number is told."""
    with pytest.raises(UsageError, match="takes a number of attempts"):
        list(viewer.run(load(), "many"))
