"""Writes a repository's history as the text that the demo is kept in.

``python tests/demo/record.py GIT_DIR > src/r2egym/demo/data/history.txt`` after a change to an unpacked demo.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

LOG = (
    "log --reverse --topo-order --decorate=short --format=raw --patch --binary --full-index "
    "--find-renames --diff-merges=first-parent main"
).split()
COMMIT = re.compile(r"^commit ([0-9a-f]{40})(?= |$)", re.MULTILINE)


def git(repository: Path, *arguments: str) -> bytes:
    """What a git command prints."""
    command = ["git", "-c", "core.quotePath=true", f"--git-dir={repository}", *arguments]
    return subprocess.run(command, check=True, capture_output=True).stdout


def record(repository: Path) -> str:
    """The history of ``main``. Files with carriage returns or bytes beyond UTF-8, named here, become binary patches."""
    with tempfile.NamedTemporaryFile("w", suffix=".attributes") as attributes:
        attributes.write("labels.py -diff\ntest_labels.py -diff\nmenus.py -diff\ntests/data/* -diff\n")
        attributes.flush()
        text = git(repository, "-c", f"core.attributesFile={attributes.name}", *LOG).decode()
    for commit in COMMIT.findall(text):
        head, _, _ = git(repository, "cat-file", "commit", commit).partition(b"\n\n")
        for line in head.decode("latin-1").splitlines():
            if line.startswith("encoding "):
                start = text.index("\n\n", text.index(f"commit {commit}"))
                text = f"{text[:start]}\n{line}{text[start:]}"
    return text


if __name__ == "__main__":
    sys.stdout.buffer.write(record(Path(sys.argv[1])).encode())
