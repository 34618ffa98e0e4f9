"""A fix and its tests in two commits: which later commit may hold the tests of one that has none.

A commit follows another when its first parents lead there. Followers come out of a history before what they follow, so
whoever hands the history out can tell them with each commit (:func:`followed`); what is made of a commit then depends on
itself and on those, and shares of a history can be looked at apart.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

from r2egym.mining.candidates import Candidate
from r2egym.mining.config import MiningConfig
from r2egym.mining.filters import Reading, other_code
from r2egym.mining.patches import FilePatch
from r2egym.mining.paths import is_python_path, is_test_path

_WORD = re.compile(r"[^\W\d]\w*")
_TEST_NAME = re.compile(r"^tests?_|_tests?$")


class Step(NamedTuple):
    """A commit of a history, and those that follow it."""

    commit: str
    followers: tuple[tuple[str, ...], ...] = ()
    """Ways back up to a follower, the shortest first; of equally long ones, the newest first."""


class Touch(NamedTuple):
    """What the paths say that a commit touches."""

    source: bool
    """Python outside the tests."""
    tests_alone: bool
    """Files of the tests and nothing else, Python among them, and nothing that a threshold minds."""


def followed(history: Iterable[tuple[str, str | None]], most: int) -> Iterator[Step]:
    """Each commit with its followers at most ``most`` commits away.

    Args:
        history: commits with their first parents, newest first. A follower that comes after what it follows, as a wrong
            clock may have it, is none.
        most: 0 for none at all.
    """
    waiting: dict[str, list[tuple[str, ...]]] = {}
    for commit, parent in history:
        ways = waiting.pop(commit, [])
        yield Step(commit, tuple(sorted(ways, key=len)))
        if most and parent is not None:
            here = [(commit,), *((commit, *way) for way in ways if len(way) < most)]
            waiting.setdefault(parent, []).extend(here)


def touch(paths: Collection[str], config: MiningConfig) -> Touch:
    """Judge the paths of a commit."""
    source = any(is_python_path(path) and not is_test_path(path) for path in paths)
    alone = not source and all(map(is_test_path, paths)) and any(map(is_python_path, paths))
    return Touch(source, alone and other_code(paths, config) is None)


def words_of(files: Iterable[FilePatch]) -> frozenset[str]:
    """The words that a diff of tests adds, and what its modules are called after.

    ``test_units`` is called after ``units``.
    """
    found: set[str] = set()
    for file in files:
        if file.new_path is None or not is_python_path(file.path):
            continue
        stem = _stem(file.path)
        found |= {stem, _TEST_NAME.sub("", stem)}
        for hunk in file.hunks:
            for line in hunk.lines:
                if line[:1] == "+":
                    found.update(_WORD.findall(line, 1))
    return frozenset(found)


def names_a_module(words: frozenset[str], candidate: Candidate) -> bool:
    """Whether a module that the fix touches is among the words, by the name that it is imported by."""
    stems = {_stem(file.path) for file in candidate.files if not file.is_test and is_python_path(file.path)}
    return any(stem in words and _tells(stem) for stem in stems)


def names_an_entity(words: frozenset[str], readings: Sequence[Reading]) -> bool:
    """Whether a function, class or method that the fix adds or modifies is among the words."""
    names = {part.name.rpartition(".")[2] for one in readings if not one.is_test for part in one.parts}
    return any(name in words and _tells(name) for name in names)


def _stem(path: str) -> str:
    return path.rpartition("/")[2].partition(".")[0]


def _tells(name: str) -> bool:
    """``__init__`` is everybody's."""
    return not (name.startswith("__") and name.endswith("__"))
