"""The gold patch and the test patch of a candidate, fit to be stored as text and applied anywhere."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import NamedTuple

from r2egym.errors import RepositoryError
from r2egym.mining.binary import binary_hunk
from r2egym.mining.candidates import Candidate
from r2egym.mining.diffs import diff
from r2egym.mining.git import Repository
from r2egym.mining.patches import FilePatch, read_patch
from r2egym.mining.paths import is_test_path

_SURROGATE = re.compile("[\ud800-\udfff]")
"""What stands for a byte that is no UTF-8."""


class Patches(NamedTuple):
    """Both sides of a fix. ``git apply`` takes either."""

    source: str
    """Everything outside the tests: the gold patch."""
    tests: str
    """Everything else."""


def split_patch(repository: Repository, candidate: Candidate, tests: Collection[str] = ()) -> Patches:
    """The diff of a candidate, source and tests apart.

    A file that git calls binary, or whose lines are not all UTF-8, is told as a binary patch: a row is text.

    Args:
        repository: holds the candidate.
        candidate: whose.
        tests: paths that belong to the tests whatever their names.

    Raises:
        RepositoryError: the objects cannot be read, or the diff is too large for a row.
    """
    sides: dict[bool, list[str]] = {True: [], False: []}
    for file in full_diff(repository, candidate):
        sides[is_test_path(file.path) or file.path in tests].append(_storable(repository, file))
    return Patches("".join(sides[False]), "".join(sides[True]))


def full_diff(repository: Repository, candidate: Candidate) -> tuple[FilePatch, ...]:
    """The candidate's diff as git prints it, in the order of its files.

    Where its tests have a commit of their own, what that one has of them beyond the fix comes last. Raises
    RepositoryError.
    """
    own = _diff(repository, candidate.base, candidate.commit.hash)
    if candidate.tests_commit is None:
        return own
    return own + test_side(_diff(repository, candidate.commit.hash, candidate.tests_commit))


def test_side(files: Iterable[FilePatch]) -> tuple[FilePatch, ...]:
    """The part of a diff that is about tests."""
    return tuple(file for file in files if is_test_path(file.path))


def _diff(repository: Repository, base: str, commit: str) -> tuple[FilePatch, ...]:
    text = diff(repository, base, commit)
    if text is None:
        raise RepositoryError(f"{repository.name}: the diff of {commit} is too large")
    return read_patch(text)


def _storable(repository: Repository, file: FilePatch) -> str:
    if not file.is_binary and not _SURROGATE.search(file.text):
        return file.text
    header = [line for line in file.header if not line.startswith(("--- ", "+++ "))]
    if file.index is None:
        return "\n".join(header) + "\n"
    old, new = (repository.blob(oid) if oid.strip("0") else b"" for oid in file.index)
    return "\n".join([*header, "GIT binary patch"]) + "\n" + binary_hunk(new) + binary_hunk(old)
