"""Running the ``git`` program on foreign objects without trusting the repository that they come from.

git never sees a foreign repository's configuration, attributes, hooks, replacements or grafts: it works in an empty git
directory of ours that borrows the foreign objects through an environment variable.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from r2egym.errors import RepositoryError, TaskError

_PREFIX = (
    "git", "-c", "safe.directory=*", "-c", "core.hooksPath=/dev/null", "-c", "gc.auto=0", "-c",
    "core.fsmonitor=false",
)  # fmt: skip


def run_git(
    arguments: Sequence[str],
    *,
    git_dir: Path,
    objects: Sequence[Path] = (),
    stdin: bytes = b"",
    env: dict[str, str] | None = None,
) -> bytes:
    """Run ``git`` in ``git_dir`` with no configuration but that folder's own; its standard output.

    Args:
        arguments: after ``git``.
        git_dir: a git directory that may be trusted (one of ours), or a foreign one for commands that only list refs.
        objects: object folders to read from besides.
        stdin: what it reads.
        env: further variables.

    Raises:
        TaskError: git is not installed.
        RepositoryError: git failed; the message has its last words.
    """
    environment = {**_environment(git_dir, objects), **(env or {})}
    command = [*_PREFIX, *arguments]
    try:
        done = subprocess.run(command, input=stdin, capture_output=True, env=environment, check=False)
    except FileNotFoundError:
        raise TaskError("git is not installed: install it with the system's package manager") from None
    if done.returncode:
        words = done.stderr.decode(errors="replace").strip().splitlines() or [f"exit code {done.returncode}"]
        raise RepositoryError(f"git {arguments[0]} failed: {words[-1]}")
    return done.stdout


def start_git(
    arguments: Sequence[str], *, git_dir: Path, objects: Sequence[Path] = ()
) -> subprocess.Popen[bytes]:
    """Start ``git`` as :func:`run_git` does, with pipes to its standard input and from its output; errors are dropped.

    Raises:
        TaskError: git is not installed.
    """
    try:
        return subprocess.Popen(
            [*_PREFIX, *arguments],
            env=_environment(git_dir, objects),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    except FileNotFoundError:
        raise TaskError("git is not installed: install it with the system's package manager") from None


def _environment(git_dir: Path, objects: Sequence[Path]) -> dict[str, str]:
    return {
        "PATH": os.defpath,
        "LC_ALL": "C",
        "HOME": "/nonexistent",
        "GIT_DIR": str(git_dir),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_ALTERNATE_OBJECT_DIRECTORIES": os.pathsep.join(_quoted(folder) for folder in objects),
    }


def empty_git_dir(folder: Path) -> Path:
    """Make ``folder`` a bare git directory with nothing in it."""
    for name in ("objects/pack", "objects/info", "refs/heads", "refs/tags"):
        (folder / name).mkdir(parents=True)
    (folder / "HEAD").write_text("ref: refs/heads/main\n")
    (folder / "config").write_text("[core]\n\trepositoryformatversion = 0\n\tbare = true\n")
    return folder


def common_dir(git_dir: Path) -> Path:
    """The git directory that holds the objects and refs: another one for a linked work tree."""
    pointer = git_dir / "commondir"
    return (git_dir / pointer.read_text().strip()).resolve() if pointer.is_file() else git_dir


def _quoted(folder: Path) -> str:
    text = str(folder).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'
