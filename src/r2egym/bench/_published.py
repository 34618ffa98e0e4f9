"""The published pipeline's own reading of commits, timed in a process of its own, from a checkout that the user has.

Nothing of it is here: its package is imported from the checkout, by the interpreter of the checkout's ``.venv`` if there is
one, and asked for what its first stage does to each commit (``git diff``, parse, entities before and after).
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from r2egym.errors import UsageError
from r2egym.records import Record

_ASK = """
import datetime, json, subprocess, sys, time
from pathlib import Path
from r2egym.commit_models.commit_to_ast import CommitAnalyzer
from r2egym.commit_models.parse_diff import CommitParser
place, names = Path(sys.argv[1]), sys.stdin.read().split()
now, read, began = datetime.datetime.now(datetime.timezone.utc), 0, time.perf_counter()
for name in names:
    try:
        text = subprocess.check_output(["git", "diff", "-p", name + "^", name], cwd=place).decode()
        parsed = CommitParser().parse_commit(name + "^", name, text, "", now, place)
        CommitAnalyzer(parsed).analyze_commit(False)
    except Exception:
        continue
    read += 1
print("\\n" + json.dumps({"milliseconds": (time.perf_counter() - began) * 1000, "read": read}))
"""


class Reading(Record):
    """What it took."""

    milliseconds: float
    read: int
    """Commits that it could read; it gives up on renames and broken Python, say."""


def read_commits(checkout: Path, git_dir: Path, commits: Sequence[str]) -> Reading:
    """Have the published code read some commits. Raises UsageError when it cannot be imported from there."""
    own = checkout / ".venv" / "bin" / "python"
    python = str(own) if own.exists() else sys.executable
    done = subprocess.run(
        ["env", f"PYTHONPATH={(checkout / 'src').absolute()}", python, "-c", _ASK, str(git_dir)],
        input="\n".join(commits),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise UsageError(
            f"{checkout}: the published code cannot be run from there by {python}: {last}; give its checkout, set up"
        )
    return Reading.model_validate(json.loads(done.stdout.splitlines()[-1]))
