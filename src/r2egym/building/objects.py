"""Reading git objects in process, without trusting the repository they come from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from r2egym.errors import RepositoryError
from r2egym.mining.plumbing import common_dir

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


def _objects_folder(git_dir: Path) -> Path:
    folder = common_dir(git_dir) / "objects"
    if not folder.is_dir():
        raise RepositoryError(f"{git_dir}: not a git repository")
    return folder.resolve()
