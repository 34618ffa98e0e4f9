"""The tree that is graded: base commit, patch, hidden tests, put together among git objects without any work tree.

The repository is never written to: what is new lies in a quarantine, a git directory of ours that borrows its objects.
Links and filters of the patch are never followed or run here, and only a sandbox ever sees them.
"""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from r2egym.building import Builder
from r2egym.building.objects import Objects
from r2egym.building.trees import unpack_tree
from r2egym.errors import RepositoryError, UsageError
from r2egym.mining import FilePatch, Repository
from r2egym.mining.plumbing import common_dir, empty_git_dir, run_git
from r2egym.records import HiddenFile, HiddenTests
from r2egym.testing import stub


class PatchDoesNotApplyError(UsageError):
    """The patch and the base commit do not fit; the message is git's."""


@contextmanager
def graded_tree(
    builder: Builder,
    repository: Repository,
    base_tree: str,
    parts: Collection[FilePatch],
    hidden: HiddenTests,
) -> Iterator[Path]:
    """A folder with ``base_tree``, the parts of a patch applied, and the hidden tests in place, modules as stubs.

    It shares its files with all layers and is gone after the block: nobody grades the same patch twice for long.

    Raises:
        PatchDoesNotApplyError: the patch does not fit.
        RepositoryError: the repository is broken.
    """
    with builder.store.scratch() as scratch:
        git_dir = empty_git_dir(scratch / "git")
        index = {"GIT_INDEX_FILE": str(scratch / "index")}
        borrowed = [common_dir(repository.path) / "objects"]

        def git(*arguments: str, stdin: bytes = b"") -> bytes:
            return run_git(arguments, git_dir=git_dir, objects=borrowed, stdin=stdin, env=index)

        git("read-tree", base_tree)
        if parts:
            text = "".join(part.text for part in parts).encode()
            try:
                git("apply", "--cached", "--whitespace=nowarn", "-", stdin=text)
            except RepositoryError as error:
                raise PatchDoesNotApplyError(str(error).removeprefix("git apply failed: ")) from None
        lines = _entries(hidden, git_dir / "objects")
        git("update-index", "--replace", "-z", "--index-info", stdin="".join(lines).encode())
        tree = git("write-tree").decode().strip()
        folder = scratch / "tree"
        folder.mkdir()
        unpack_tree(Objects(repository.path, git_dir / "objects"), tree, folder, builder.store)
        yield folder


def _entries(hidden: HiddenTests, objects: Path) -> Sequence[str]:
    """Lines for ``git update-index``: what is deleted first, then files, modules as stubs."""
    lines = [f"0 {'0' * 40}\t{path}\0" for path in hidden.deleted]
    modules = set(hidden.modules)
    for file in hidden.files:
        if file.path not in modules:
            mode = "100755" if file.executable else "100644"
            lines.append(f"{mode} {_write_blob(objects, content(file))}\t{file.path}\0")
    lines += [f"100644 {_write_blob(objects, stub(path).encode())}\t{path}\0" for path in hidden.modules]
    return lines


def content(file: HiddenFile) -> bytes:
    """The bytes of a hidden file."""
    return base64.b64decode(file.content) if file.encoding == "base64" else file.content.encode()


def _write_blob(objects: Path, data: bytes) -> str:
    """Store a blob as a loose object; its id."""
    whole = b"blob %d\0" % len(data) + data
    oid = hashlib.sha1(whole, usedforsecurity=False).hexdigest()
    place = objects / oid[:2] / oid[2:]
    place.parent.mkdir(exist_ok=True)
    place.write_bytes(zlib.compress(whole, 1))
    return oid
