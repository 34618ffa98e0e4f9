"""A read-only view of one git object store.

Everything goes through libgit2: no hook, filter, external diff or text conversion of a foreign repository ever runs,
and nothing in it is written. A repository that belongs to another user can be read (libgit2's owner check, which
guards against the hooks that we never run, is switched off for this process).

Limits: SHA-1 repositories only.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from r2egym.errors import RepositoryError
from r2egym.records import Commit

if TYPE_CHECKING:
    import pygit2

_CACHE_BYTES = 64 << 20
"""What libgit2 may keep in memory for all repositories; its own default grows to 256 MiB."""
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


class Entry(NamedTuple):
    """One file of a tree."""

    mode: int
    """As git has it: 0o100644, 0o100755, 0o120000 (symbolic link) or 0o160000 (submodule)."""
    oid: str
    """Object id of its contents; for a submodule, of a commit elsewhere."""


class Repository:
    """One object store, opened to be read. Share it between threads; reopen it in another process (it pickles)."""

    def __init__(self, path: Path, *, name: str | None = None, url: str | None = None) -> None:
        """Open the repository at ``path``: a work tree's root, or a bare repository. Raises RepositoryError."""
        self._open(path)
        self.path = Path(self._repository.path)
        """The git directory."""
        self.name = name or self._guess_name(path)
        """Short name, safe in a file name."""
        self.url = url
        """Where anyone can fetch it from, without credentials; None for a repository of this machine."""

    @classmethod
    def open(cls, source: str | Path, home: Path, *, having: str | None = None) -> Repository:
        """Open a path in place, or a URL (or bundle file) through a bare mirror under ``home/repositories``.

        Args:
            source: path of a work tree, of a bare repository or of a bundle; or a URL that git knows.
            home: where mirrors are kept.
            having: when the mirror has this commit already, nothing is fetched.

        Raises:
            RepositoryError: nothing there, not a repository, or it cannot be fetched.
        """
        from r2egym.mining.mirror import is_bundle, is_url, mirror, public_url

        text = str(source)
        if is_url(text):
            path = mirror(text, home, having=having)
            return cls(path, name=_name_of(text), url=None if text.startswith("file:") else public_url(text))
        path = Path(source)
        if is_bundle(path):
            return cls(mirror(str(path.resolve()), home, having=having), name=_name_of(path.stem))
        return cls(path)

    def _open(self, path: Path) -> None:
        import pygit2

        pygit2.settings.owner_validation = False
        pygit2.settings.cache_max_size(_CACHE_BYTES)
        flags = pygit2.enums.RepositoryOpenFlag.NO_SEARCH | pygit2.enums.RepositoryOpenFlag.BARE
        inner = path / ".git"
        try:
            if not path.is_dir():
                raise RepositoryError(f"{path}: no such folder; give a git repository's path or URL")
            self._repository = pygit2.Repository(str(inner if inner.exists() else path), flags)
        except (pygit2.GitError, KeyError, OSError) as error:
            detail = f" ({error})" if (inner.exists() or (path / "objects").exists()) else ""
            raise RepositoryError(f"{path}: not a git repository{detail}; give the root of one") from None

    def _guess_name(self, path: Path) -> str:
        try:
            origin = self._repository.remotes["origin"].url
        except (KeyError, ValueError):
            origin = None
        return _name_of(origin or os.path.abspath(path))  # noqa: PTH100 - not resolved: its user named the link

    def __reduce__(self) -> tuple[object, ...]:
        return _reopen, (self.path, self.name, self.url)

    # --- commits ---

    def resolve(self, revision: str) -> str:
        """The 40 hex digits of the commit that a revision names. Raises RepositoryError."""
        import pygit2

        try:
            found = self._repository.revparse_single(revision)
            return str(found.peel(pygit2.Commit).id)
        except (KeyError, ValueError, pygit2.GitError):
            pass
        if self._repository.is_empty or (revision == "HEAD" and not list(self._repository.references)):
            raise RepositoryError(f"{self.name}: the repository is empty: it has no commit yet")
        if revision == "HEAD":
            raise RepositoryError(f"{self.name}: HEAD names no commit; give a branch with --revision")
        raise RepositoryError(f"{self.name}: no commit is named {revision!r}; give a branch, a tag or a hash")

    def commit(self, revision: str) -> Commit:
        """A commit's record. Raises RepositoryError when there is none."""
        commit = self._commit(revision)
        return Commit(
            hash=str(commit.id),
            parents=tuple(str(parent) for parent in commit.parent_ids),
            tree=str(commit.tree_id),
            author_time=commit.author.time,
            committer_time=commit.commit_time,
            author_offset=commit.author.offset,
            message=_decode(commit.raw_message, commit.message_encoding),
        )

    def _commit(self, revision: str) -> pygit2.Commit:
        import pygit2

        try:
            found = self._repository[self.resolve(revision)]
        except (KeyError, ValueError, pygit2.GitError) as error:
            raise RepositoryError(f"{self.name}: commit {revision} cannot be read ({error})") from None
        assert isinstance(found, pygit2.Commit)  # noqa: S101 - resolve() peels to a commit
        return found

    def history(self, revision: str) -> Iterator[str]:
        """The hash of every commit that a revision reaches, newest first by commit date. Raises RepositoryError."""
        return (commit for commit, _ in self.lineage(revision))

    def lineage(self, revision: str) -> Iterator[tuple[str, str | None]]:
        """The same commits, each with its first parent; None where there is none. Raises RepositoryError."""
        import pygit2

        walker = self._repository.walk(self.resolve(revision), pygit2.enums.SortMode.TIME)
        while True:
            try:
                commit = next(walker, None)
                parents = commit.parent_ids if commit else []
            except (KeyError, ValueError, pygit2.GitError) as error:
                raise RepositoryError(f"{self.name}: its history cannot be followed ({error})") from None
            if commit is None:
                return
            yield str(commit.id), str(parents[0]) if parents else None

    # --- trees and files ---

    def changed_paths(self, before: str, after: str) -> frozenset[str]:
        """Paths whose entries differ between two commits; a rename counts with both. Raises RepositoryError."""
        import pygit2

        try:
            old, new = (self._repository[name].peel(pygit2.Tree) for name in (before, after))
            return frozenset(_differences(old, new))
        except (KeyError, ValueError, pygit2.GitError) as error:
            raise RepositoryError(f"{self.name}: {before} and {after} cannot be compared ({error})") from None

    def tree(self, revision: str) -> dict[str, Entry]:
        """Every file of a commit (or of a tree id), by path; folders are not listed. Raises RepositoryError."""
        import pygit2

        try:
            found = self._repository.revparse_single(revision).peel(pygit2.Tree)
            return dict(_walk(self._repository, found, b""))
        except (KeyError, ValueError, pygit2.GitError) as error:
            raise RepositoryError(f"{self.name}: no tree can be read at {revision!r} ({error})") from None

    def read(self, revision: str, path: str) -> bytes | None:
        """A file's bytes at a commit (a link's target for a link); None when there is no such file.

        Raises:
            RepositoryError: the revision is unknown, or its objects cannot be read.
        """
        import pygit2

        try:
            here: pygit2.Object = self._repository.revparse_single(revision).peel(pygit2.Tree)
        except (KeyError, ValueError, pygit2.GitError):
            raise RepositoryError(f"{self.name}: no tree can be read at {revision!r}") from None
        for part in path.split("/"):
            if not isinstance(here, pygit2.Tree):
                return None
            entry = next((e for e in here if e.raw_name == part.encode("utf-8", "surrogateescape")), None)
            if entry is None or entry.filemode == stat.S_IFDIR | stat.S_IFLNK:
                return None
            here = self._object(str(entry.id))
        return here.data if isinstance(here, pygit2.Blob) else None

    def blob(self, oid: str) -> bytes:
        """A blob's bytes. Raises RepositoryError when it is missing or is none."""
        import pygit2

        found = self._object(oid)
        if not isinstance(found, pygit2.Blob):
            raise RepositoryError(f"{self.name}: object {oid} is no file")
        return found.data

    def _object(self, oid: str) -> pygit2.Object:
        import pygit2

        try:
            return self._repository[oid]
        except (KeyError, ValueError, pygit2.GitError) as error:
            raise RepositoryError(f"{self.name}: object {oid} cannot be read ({error})") from None


def _walk(repository: pygit2.Repository, tree: pygit2.Tree, prefix: bytes) -> Iterator[tuple[str, Entry]]:
    import pygit2

    for entry in tree:
        path = prefix + (entry.raw_name or b"")
        mode = int(entry.filemode)
        if mode == stat.S_IFDIR:
            folder = repository[entry.id]
            assert isinstance(folder, pygit2.Tree)  # noqa: S101 - its mode says so
            yield from _walk(repository, folder, path + b"/")
        else:
            yield path.decode("utf-8", "surrogateescape"), Entry(mode, str(entry.id))


def _differences(old: pygit2.Tree, new: pygit2.Tree) -> Iterator[str]:
    for delta in old.diff_to_tree(new, context_lines=0).deltas:
        for file in (delta.old_file, delta.new_file):
            yield file.raw_path.decode("utf-8", "surrogateescape")


def _decode(raw: bytes, encoding: str | None) -> str:
    try:
        return raw.decode(encoding or "utf-8", "replace")
    except LookupError:
        return raw.decode("utf-8", "replace")


def _name_of(source: str) -> str:
    """``…/boltons.git`` → ``boltons``; ``…/boltons/.git`` likewise."""
    parts = [part for part in re.split(r"[/:\\]", source) if part not in {"", ".git"}]
    name = parts[-1].removesuffix(".git") if parts else ""
    return _UNSAFE.sub("-", name).strip(".-") or "repository"


def _reopen(path: Path, name: str, url: str | None) -> Repository:
    return Repository(path, name=name, url=url)
