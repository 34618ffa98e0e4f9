"""What turns a commit away: pure functions in the order in which they are asked, the cheap ones first.

Each looks at what is known by then and says why the commit is no candidate, or nothing. The reasons are stable codes that
a funnel counts.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from r2egym.mining.candidates import Candidate
from r2egym.mining.config import MiningConfig
from r2egym.mining.entities import NAMED, Outline, Part, differs_in_code, touched
from r2egym.mining.patches import FilePatch
from r2egym.mining.paths import is_other_code_path, is_python_path, is_test_path

PathFilter = Callable[[Collection[str], MiningConfig], str | None]
"""From the paths that a commit touches to the reason against it."""
SizeFilter = Callable[[Candidate, MiningConfig], str | None]
"""From a candidate without entities."""


@dataclass(frozen=True)
class Reading:
    """A Python file of a commit that was read: its diff, and both versions."""

    file: FilePatch
    before: Outline
    after: Outline
    is_test: bool
    parts: tuple[Part, ...] = field(default=())
    """What was added or modified in it, of functions, classes and methods."""


EntityFilter = Callable[[Candidate, Sequence[Reading], MiningConfig], str | None]
"""From a candidate and its Python files: those outside the tests, and the tests where a threshold asks for them."""


# --- paths ------------------------------------------------------------------------------------------------------


def no_source(paths: Collection[str], config: MiningConfig) -> str | None:
    """There must be Python outside the tests."""
    del config
    return None if any(is_python_path(path) and not is_test_path(path) for path in paths) else "no-source"


def no_tests(paths: Collection[str], config: MiningConfig) -> str | None:
    """There must be a file of the tests."""
    return "no-tests" if config.needs_tests and not any(map(is_test_path, paths)) else None


def other_code(paths: Collection[str], config: MiningConfig) -> str | None:
    """Program code in other languages."""
    return "other-code" if config.only_python and any(map(is_other_code_path, paths)) else None


# --- sizes ------------------------------------------------------------------------------------------------------


def too_many_files(candidate: Candidate, config: MiningConfig) -> str | None:
    """Files outside the tests."""
    return _over(candidate.num_non_test_files, config.max_files, "too-many-files")


def too_many_lines(candidate: Candidate, config: MiningConfig) -> str | None:
    """Lines outside the tests; none at all is no edit."""
    if config.max_lines is not None and not candidate.num_non_test_lines:
        return "no-lines"
    return _over(candidate.num_non_test_lines, config.max_lines, "too-many-lines")


def long_patch(candidate: Candidate, config: MiningConfig) -> str | None:
    """Characters of the diff of the Python files."""
    return _over(candidate.patch_length, config.max_patch_length, "long-patch")


# --- entities ---------------------------------------------------------------------------------------------------


def deleted_entities(candidate: Candidate, files: Sequence[Reading], config: MiningConfig) -> str | None:
    """Entities deleted outside the tests."""
    del files
    return _over(candidate.counts.deleted, config.max_deleted_entities, "deleted-entities")


def added_entities(candidate: Candidate, files: Sequence[Reading], config: MiningConfig) -> str | None:
    """Entities added outside the tests."""
    del files
    return _over(candidate.counts.added, config.max_added_entities, "added-entities")


def edited_entities(candidate: Candidate, files: Sequence[Reading], config: MiningConfig) -> str | None:
    """Entities touched outside the tests; none at all is no edit."""
    del files
    if config.max_edited_entities is not None and not candidate.counts.edited:
        return "no-entity"
    return _over(candidate.counts.edited, config.max_edited_entities, "edited-entities")


def statements(candidate: Candidate, files: Sequence[Reading], config: MiningConfig) -> str | None:
    """Other top-level statements that were touched."""
    del files
    return _over(candidate.counts.statements, config.max_statements, "statements")


def no_code_change(candidate: Candidate, files: Sequence[Reading], config: MiningConfig) -> str | None:
    """Comments and docstrings alone; and, without tests, all that no function has to do with: there is nothing to call."""
    if not config.code_change and any(file.is_test for file in candidate.files):
        return None
    changed = any(differs_in_code(one.file, one.before, one.after) for one in files if not one.is_test)
    return None if changed else "no-code-change"


def no_test_entity(candidate: Candidate, files: Sequence[Reading], config: MiningConfig) -> str | None:
    """A function, class or method of the tests must be added or edited."""
    del candidate
    return "no-test-entity" if config.test_entity_edit and not _named(files, is_test=True) else None


def no_test_match(candidate: Candidate, files: Sequence[Reading], config: MiningConfig) -> str | None:
    """A touched test must speak of an issue, or name or call a function that was edited."""
    del candidate
    if not config.test_match:
        return None
    tests = _named(files, is_test=True)
    if any("issue" in part.name for part in tests):
        return None
    names = {part.name.rpartition(".")[2] for part in _named(files, is_test=False) if part.type != "class"}
    told = [(part.name.rpartition(".")[2], part.text) for part in tests]
    matches = any(name in test or f"{name}(" in text for name in names for test, text in told)
    return None if matches else "no-test-match"


def _named(files: Sequence[Reading], *, is_test: bool) -> list[Part]:
    return [part for one in files if one.is_test == is_test for part in one.parts]


def _over(number: int, limit: int | None, reason: str) -> str | None:
    return reason if limit is not None and number > limit else None


PATH_FILTERS: tuple[PathFilter, ...] = (no_source, no_tests, other_code)
SIZE_FILTERS: tuple[SizeFilter, ...] = (too_many_files, too_many_lines, long_patch)
ENTITY_FILTERS: tuple[EntityFilter, ...] = (
    deleted_entities,
    added_entities,
    edited_entities,
    statements,
    no_code_change,
    no_test_entity,
    no_test_match,
)


def read(file: FilePatch, before: Outline, after: Outline, *, is_test: bool) -> Reading:
    """A file with what was added or modified in it."""
    found = touched(before, after, file.hunks)
    parts = tuple(part for part in (*found.modified, *found.added) if part.type in NAMED)
    return Reading(file, before, after, is_test, parts)
