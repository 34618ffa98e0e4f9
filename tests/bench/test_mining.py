"""The bench of mining."""

from pathlib import Path

import pytest

from r2egym.bench.mining import run
from r2egym.errors import UsageError
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


def test_published_code_that_is_not_there_gets_one_line(tmp_path: Path) -> None:
    """A folder from which the published package cannot be imported is named, with what Python said."""
    settings = Settings(home=tmp_path, path=(), pyenv_root=tmp_path, user_home=tmp_path)
    with pytest.raises(UsageError, match=r"cannot be run from there by .*No module named"):
        next(run(settings, published=tmp_path))


def test_published_code_is_timed_beside_ours(tmp_path: Path) -> None:
    """Whatever package of that shape stands in the checkout reads the same commits."""
    models = tmp_path / "src" / "r2egym" / "commit_models"
    models.mkdir(parents=True)
    (models.parent / "__init__.py").write_text("")
    (models / "parse_diff.py").write_text(
        "class CommitParser:\n    def parse_commit(self, *told): return told\n"
    )
    analyzer = "class CommitAnalyzer:\n    def __init__(self, told): pass\n    def analyze_commit(self, verbose): pass\n"
    (models / "commit_to_ast.py").write_text(analyzer)
    settings = Settings(home=tmp_path, path=(), pyenv_root=tmp_path, user_home=tmp_path)
    line = next(run(settings, published=tmp_path))
    assert line.name == "mining, published thresholds"
    assert line.ratio
    assert "same 40 commits" in line.note
    assert int(line.note.rsplit(" ", 1)[1]) > 30
