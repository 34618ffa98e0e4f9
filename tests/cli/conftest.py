"""Running the command line as a user does: a process, its two streams, its exit code."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]
MAIN = [sys.executable, "-c", "from r2egym.cli import main; main()"]


@pytest.fixture
def r2egym(tmp_path: Path) -> Run:
    """Call it with arguments; ``home`` says where layers are kept."""

    def run(
        *arguments: object, home: Path | None = None, **options: object
    ) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, "R2EGYM_HOME": str(home or tmp_path / "home")}
        words = [*MAIN, *map(str, arguments)]
        return subprocess.run(words, capture_output=True, text=True, env=env, check=False, **options)

    return run
