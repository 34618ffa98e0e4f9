"""The tree that is graded: base commit, patch, hidden tests, put together among git objects without any work tree.

The repository is never written to: what is new lies in a quarantine, a git directory of ours that borrows its objects.
Links and filters of the patch are never followed or run here, and only a sandbox ever sees them.
"""

from __future__ import annotations

import base64
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from r2egym.building import Builder
from r2egym.building.objects import Objects
from r2egym.building.trees import Change, edited_tree, unpack_tree, write_object
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
        tree = _patched(repository, base_tree, parts, git_dir, scratch / "index") if parts else base_tree
        objects = Objects(repository.path, git_dir / "objects")
        tree = edited_tree(objects, tree, _changes(hidden, git_dir / "objects"), git_dir / "objects")
        folder = scratch / "tree"
        folder.mkdir()
        unpack_tree(Objects(repository.path, git_dir / "objects"), tree, folder, builder.store)
        yield folder


def _patched(
    repository: Repository, tree: str, parts: Collection[FilePatch], git_dir: Path, index: Path
) -> str:
    """Id of a tree with a patch applied; what is new lies in ``git_dir``."""
    borrowed = [common_dir(repository.path) / "objects"]

    def git(*arguments: str, stdin: bytes = b"") -> bytes:
        variables = {"GIT_INDEX_FILE": str(index)}
        return run_git(arguments, git_dir=git_dir, objects=borrowed, stdin=stdin, env=variables)

    git("read-tree", tree)
    text = "".join(part.text for part in parts).encode()
    try:
        git("apply", "--cached", "--whitespace=nowarn", "-", stdin=text)
    except RepositoryError as error:
        raise PatchDoesNotApplyError(str(error).removeprefix("git apply failed: ")) from None
    return git("write-tree").decode().strip()


def _changes(hidden: HiddenTests, store: Path) -> dict[bytes, Change]:
    """What the hidden tests put in place and take away, modules as stubs."""
    changes: dict[bytes, Change] = {path.encode(): None for path in hidden.deleted}
    modules = set(hidden.modules)
    for file in hidden.files:
        if file.path not in modules:
            mode = 0o100755 if file.executable else 0o100644
            changes[file.path.encode()] = (mode, write_object("blob", content(file), store))
    for path in hidden.modules:
        changes[path.encode()] = (0o100644, write_object("blob", stub(path).encode(), store))
    return changes


def content(file: HiddenFile) -> bytes:
    """The bytes of a hidden file."""
    return base64.b64decode(file.content) if file.encoding == "base64" else file.content.encode()
