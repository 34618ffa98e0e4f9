"""Reading git objects, and running git on them, without trusting the repository they come from.

The ``git`` program never sees a foreign repository's configuration, hooks, replacements or grafts: it works in an empty
git directory of ours that borrows the foreign objects through an environment variable.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from r2egym.errors import RepositoryError, TaskError

TREE = 0o040000
LINK = 0o120000
SUBMODULE = 0o160000
EXECUTABLE = 0o100


class TreeEntry(NamedTuple):
    """One line of a tree object."""

    mode: int
    name: bytes
    oid: str


class Objects:
    """The objects of a git directory, and of further object folders, by id."""

    def __init__(self, git_dir: Path, *further: Path) -> None:
        """Open them to be read. Raises RepositoryError when there is no object folder."""
        import pygit2

        self.folders = (_objects_folder(git_dir), *further)
        self._odb = pygit2.Odb(str(self.folders[0]))
        for folder in further:
            self._odb.add_disk_alternate(str(folder))

    def read(self, oid: str, kind: str) -> bytes:
        """Contents of an object that must be of ``kind`` (``commit``, ``tree``, ``blob``, ``tag``)."""
        import pygit2

        try:
            number, data = self._odb.read(oid)
        except (KeyError, ValueError, pygit2.GitError) as error:
            raise RepositoryError(f"object {oid} of {self.folders[0]} cannot be read ({error})") from None
        found = {1: "commit", 2: "tree", 3: "blob", 4: "tag"}.get(int(number))
        if found != kind:
            raise RepositoryError(f"object {oid} of {self.folders[0]} is a {found}, not a {kind}")
        return bytes(data)

    def tree(self, oid: str) -> Iterator[TreeEntry]:
        """The entries of a tree object, in its order."""
        data = self.read(oid, "tree")
        at = 0
        while at < len(data):
            space = data.index(b" ", at)
            end = data.index(b"\0", space)
            yield TreeEntry(int(data[at:space], 8), data[space + 1 : end], data[end + 1 : end + 21].hex())
            at = end + 21

    def parents(self, commit: str) -> tuple[str, ...]:
        """Ids of a commit's parents."""
        header = self.read(commit, "commit").split(b"\n\n", 1)[0]
        return tuple(line[7:].decode() for line in header.split(b"\n") if line.startswith(b"parent "))

    def root(self, commit: str) -> str:
        """Id of a commit's tree."""
        return self.read(commit, "commit")[5:45].decode()


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
    environment = {
        "PATH": os.defpath,
        "LC_ALL": "C",
        "HOME": "/nonexistent",
        "GIT_DIR": str(git_dir),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_ALTERNATE_OBJECT_DIRECTORIES": os.pathsep.join(_quoted(folder) for folder in objects),
        **(env or {}),
    }
    command = ["git", "-c", "safe.directory=*", "-c", "core.hooksPath=/dev/null", "-c", "gc.auto=0"]
    command += ["-c", "core.fsmonitor=false", *arguments]
    try:
        done = subprocess.run(command, input=stdin, capture_output=True, env=environment, check=False)
    except FileNotFoundError:
        raise TaskError("git is not installed: install it with the system's package manager") from None
    if done.returncode:
        words = done.stderr.decode(errors="replace").strip().splitlines() or [f"exit code {done.returncode}"]
        raise RepositoryError(f"git {arguments[0]} failed: {words[-1]}")
    return done.stdout


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


def _objects_folder(git_dir: Path) -> Path:
    folder = common_dir(git_dir) / "objects"
    if not folder.is_dir():
        raise RepositoryError(f"{git_dir}: not a git repository")
    return folder.resolve()


def _quoted(folder: Path) -> str:
    text = str(folder).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'
