"""The ``.git`` of an environment: what the base commit reaches, and nothing else.

How tasks share it on disk: walk from the base along first parents to the root and number the commits from there. The
objects that appear between commit ``n - size`` and commit ``n`` (``n`` a multiple of ``size``) are a *segment*: a pack
that every later commit of the chain has in common, and links to. Segments come in four sizes, so a base has at most a
dozen or so packs, of which only the last, with what came since the last segment, is its own.
"""

from __future__ import annotations

import hashlib
import re
import stat
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Literal

from r2egym.building.files import Files
from r2egym.building.git_index import write_index
from r2egym.building.layers import LayerStore
from r2egym.building.objects import SUBMODULE, Objects
from r2egym.errors import RepositoryError
from r2egym.mining.plumbing import common_dir, empty_git_dir, run_git

History = Literal["past", "none"]
Segment = tuple[str, str | None]
"""A commit, and the earlier commit whose objects are left out."""

BRANCH = "refs/heads/main"
_SIZES = (4096, 512, 64, 8)
_VERSIONED = re.compile(
    r"setuptools[_-]scm|hatch-vcs|versioneer|versioningit|dunamai|pbr|poetry-dynamic-versioning"
)
"""Tools that take a project's version from git's tags."""
_REMEMBERED = 64
"""Commits whose tags are kept: telling which tags a commit reaches takes a walk through its past."""
_FORMAT = "1"
"""Part of every key: raise it when what is written changes."""
_CONFIG = """\
[core]
\trepositoryformatversion = 0
\tfilemode = true
\tbare = false
\tlogallrefupdates = true
\ttrustctime = false
\tcheckStat = minimal
[user]
\tname = developer
\temail = developer@localhost
[gc]
\tauto = 0
"""


class Histories:
    """Makes ``.git`` layers of one repository. Keep it for as long as the repository: it remembers the chain."""

    def __init__(self, git_dir: Path, store: LayerStore) -> None:
        self._git_dir = common_dir(git_dir)
        self._store = store
        self._objects = Objects(git_dir)
        self._shallow = _shallow_commits(self._git_dir)
        self._first_parents: dict[str, str | None] = {}
        self._tags = lru_cache(_REMEMBERED)(self._read_tags)

    def layer(self, base: str, tree_layer: Path, history: History) -> Path:
        """A folder that holds just ``.git``, whose index agrees with ``tree_layer``. Raises RepositoryError."""
        tags = self._tags(base) if history == "past" else b""
        key = hashlib.sha256(
            b"\0".join((_FORMAT.encode(), history.encode(), base.encode(), tags))
        ).hexdigest()

        def build(folder: Path) -> None:
            git_dir = empty_git_dir(folder / ".git")
            (git_dir / "config").write_text(_CONFIG)
            (git_dir / "info").mkdir()
            (git_dir / "info/exclude").write_text("/.venv\n__pycache__/\n")
            if history == "past":
                head = base
                self._link_past(base, git_dir)
                self._write_tags(tags, git_dir)
                self._write_shallow(base, git_dir)
            else:
                head = self._write_single_commit(base, git_dir)
            (git_dir / BRANCH).write_text(f"{head}\n")
            write_index(self._objects, self._objects.root(base), tree_layer, git_dir / "index")

        return self._store.layer("git", key, build)

    def nearest_tag(self, base: str, files: Files) -> str:
        """The nearest tag's name, for a project that takes its version from there; else nothing."""
        if not any(
            _VERSIONED.search(files.text(name)) for name in ("pyproject.toml", "setup.py", "setup.cfg")
        ):
            return ""
        arguments = ["describe", "--tags", "--abbrev=0", base]
        try:
            return run_git(arguments, git_dir=self._git_dir).decode().strip().removeprefix("v")
        except RepositoryError:
            return ""

    # --- the past -----------------------------------------------------------------------------------------------

    def segments(self, base: str) -> list[Segment]:
        """The shared segments of ``base``, oldest first, and last what is its own (if anything is)."""
        chain = self._chain(base)
        found: list[Segment] = []
        start = 0
        while start < len(chain):
            size = next((size for size in _SIZES if start % size == 0 and start + size <= len(chain)), None)
            end = start + size if size else len(chain)
            found.append((chain[end - 1], chain[start - 1] if start else None))
            start = end
        return found

    def _chain(self, base: str) -> list[str]:
        """First parents from the root to ``base``."""
        chain = [base]
        while (parent := self._first_parent(chain[-1])) is not None:
            chain.append(parent)
        chain.reverse()
        return chain

    def _first_parent(self, commit: str) -> str | None:
        if commit not in self._first_parents:
            parents = () if commit in self._shallow else self._objects.parents(commit)
            self._first_parents[commit] = parents[0] if parents else None
        return self._first_parents[commit]

    def _link_past(self, base: str, git_dir: Path) -> None:
        for commit, since in self.segments(base):
            if commit == base:
                self._pack(commit, since, git_dir / "objects/pack/pack")
                continue
            key = hashlib.sha256(f"{_FORMAT} {commit} {since}".encode()).hexdigest()

            def build(folder: Path, commit: str = commit, since: str | None = since) -> None:
                self._pack(commit, since, folder / "pack")

            for file in self._store.layer("packs", key, build).iterdir():
                self._store.link(file, git_dir / "objects/pack" / file.name)

    def _pack(self, commit: str, since: str | None, prefix: Path) -> None:
        """Write a pack of what ``commit`` reaches and ``since`` does not."""
        revisions = f"{commit}\n" + (f"^{since}\n" if since else "")
        self._pack_objects(["--revs"], revisions, prefix)

    def _pack_objects(self, options: list[str], stdin: str, prefix: Path) -> None:
        with self._store.scratch() as scratch:
            arguments = ["pack-objects", "-q", "--delta-base-offset", "--threads=1", *options, str(prefix)]
            own = empty_git_dir(scratch / "git")
            if self._shallow:
                (own / "shallow").write_text("".join(f"{name}\n" for name in sorted(self._shallow)))
            run_git(arguments, git_dir=own, objects=self._objects.folders, stdin=stdin.encode())

    # --- refs ---------------------------------------------------------------------------------------------------

    def _read_tags(self, base: str) -> bytes:
        """Tags that point at what ``base`` reaches and, where they are dated, are no younger; packed-refs lines."""
        form = "%(objectname) %(refname) %(*objectname) %(taggerdate:unix)"
        arguments = ["for-each-ref", f"--merged={base}", f"--format={form}", "refs/tags"]
        listed = run_git(arguments, git_dir=self._git_dir)
        born = _committer_time(self._objects.read(base, "commit"))
        lines: list[bytes] = []
        for line in listed.splitlines():
            oid, name, peeled, date = line.split(b" ")
            if not peeled:
                lines.append(oid + b" " + name + b"\n")
            elif date and int(date) <= born and self._tags_a_commit(oid.decode(), peeled.decode()):
                lines.append(oid + b" " + name + b"\n^" + peeled + b"\n")
        return b"".join(lines)

    def _tags_a_commit(self, tag: str, target: str) -> bool:
        """Whether a tag object points straight at its commit; a tag of a tag is left out."""
        return self._objects.read(tag, "tag").startswith(b"object " + target.encode() + b"\ntype commit\n")

    def _write_tags(self, tags: bytes, git_dir: Path) -> None:
        if not tags:
            return
        (git_dir / "packed-refs").write_bytes(b"# pack-refs with: peeled fully-peeled sorted \n" + tags)
        lines = tags.splitlines()
        annotated = [line[:40].decode() for line, after in pairwise(lines) if after[:1] == b"^"]
        if annotated:
            self._pack_objects([], "".join(f"{oid}\n" for oid in annotated), git_dir / "objects/pack/pack")

    def _write_shallow(self, base: str, git_dir: Path) -> None:
        """A base whose past is cut (the source is a shallow clone) says where."""
        if not self._shallow:
            return
        arguments = ["rev-list", base]
        with self._store.scratch() as scratch:
            own = empty_git_dir(scratch / "git")
            (own / "shallow").write_text("".join(f"{name}\n" for name in sorted(self._shallow)))
            reached = run_git(arguments, git_dir=own, objects=self._objects.folders).decode().split()
        cut = sorted(self._shallow.intersection(reached))
        (git_dir / "shallow").write_text("".join(f"{name}\n" for name in cut))

    # --- no past ------------------------------------------------------------------------------------------------

    def _write_single_commit(self, base: str, git_dir: Path) -> str:
        """One commit without parents that has the base's tree, author, dates and message; its id."""
        header, _, message = self._objects.read(base, "commit").partition(b"\n\n")
        kept = (b"tree ", b"author ", b"committer ", b"encoding ")
        content = (
            b"\n".join(line for line in header.split(b"\n") if line.startswith(kept)) + b"\n\n" + message
        )
        arguments = ["hash-object", "-t", "commit", "-w", "--stdin"]
        commit = (
            run_git(arguments, git_dir=git_dir, objects=self._objects.folders, stdin=content).decode().strip()
        )
        listed = "".join(f"{oid}\n" for oid in _tree_objects(self._objects, self._objects.root(base)))
        self._pack_objects([], listed, git_dir / "objects/pack/pack")
        return commit


def _tree_objects(objects: Objects, tree: str) -> Iterator[str]:
    """Ids of a tree and everything under it."""
    yield tree
    for entry in objects.tree(tree):
        if entry.mode == stat.S_IFDIR:
            yield from _tree_objects(objects, entry.oid)
        elif entry.mode != SUBMODULE:
            yield entry.oid


def _shallow_commits(git_dir: Path) -> frozenset[str]:
    path = git_dir / "shallow"
    return frozenset(path.read_text().split()) if path.is_file() else frozenset()


def _committer_time(commit: bytes) -> int:
    line = next(line for line in commit.split(b"\n") if line.startswith(b"committer "))
    return int(line.rsplit(b" ", 2)[1])
