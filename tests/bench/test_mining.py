"""The bench of mining."""

from pathlib import Path

from r2egym.bench.mining import run
from r2egym.settings import Settings


def test_lines(tmp_path: Path) -> None:
    """Times beside git's own, no commit lost, and how memory grows."""
    lines = {
        line.name: line
        for line in run(Settings(home=tmp_path, path=(), pyenv_root=tmp_path, user_home=tmp_path))
    }
    assert list(lines) == [
        "mining, paths and sizes",
        "mining, with entities of candidates",
        "commits that came out",
        "peak memory",
    ]
    assert all(line.ours > 0 and line.ratio for line in lines.values())
    assert lines["commits that came out"].ratio == 1.0
