"""The bench of sandboxes."""

from pathlib import Path

import pytest

from r2egym.bench.sandbox import run
from r2egym.errors import SandboxError
from r2egym.sandboxes import open_backend
from r2egym.sandboxes.base import SandboxConfig
from r2egym.settings import Settings


@pytest.mark.long
def test_lines(tmp_path: Path) -> None:
    """Every promise about sandboxes has a line with a number, and a peer or the reason why there is none."""
    try:
        open_backend("bubblewrap", tmp_path).open(SandboxConfig()).close()
    except SandboxError as error:
        pytest.skip(f"no sandboxes here: {error}")
    lines = list(
        run(
            Settings(home=tmp_path, path=(), pyenv_root=tmp_path, user_home=tmp_path),
            rounds=2,
            idle=4,
            files=600,
        )
    )
    names = " ".join(line.name for line in lines)
    for word in ("start", "close", "command", "idle", "memory", "fork", "reset"):
        assert word in names
    assert all(line.ours > 0 and (line.ratio or line.note) for line in lines)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("bench-")] == []
