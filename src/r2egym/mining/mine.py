"""Streaming a history: every commit comes out exactly once, as a candidate or with the reason why it is none.

Most commits are turned away by the paths that they touch, which are read in process. The others' diffs come from one git
process; and of those that pass every threshold on sizes, Python files outside the tests are parsed, each version once
while it is near. Memory does not grow with the history.

A commit with source and no tests is looked at together with the next commits, which may have brought them.

Merges are judged against their first parent. Root commits have nothing to be judged against.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from r2egym.errors import RepositoryError
from r2egym.mining.candidates import Candidate, ChangedFile, EntityCounts, Rejection
from r2egym.mining.config import MiningConfig
from r2egym.mining.diffs import DiffStream
from r2egym.mining.entities import NAMED, Outline, record, touched
from r2egym.mining.filters import ENTITY_FILTERS, PATH_FILTERS, SIZE_FILTERS, Reading, no_tests, read
from r2egym.mining.git import Repository
from r2egym.mining.links import (
    Step,
    Touch,
    followed,
    names_a_module,
    names_an_entity,
    touch,
    words_of,
)
from r2egym.mining.patches import FilePatch, Hunk, PatchError, read_patch
from r2egym.mining.paths import is_python_path, is_test_path
from r2egym.mining.processes import Workers
from r2egym.mining.split import test_side
from r2egym.records import Commit

_NEAR = 64
"""Versions of files whose outline is kept: a file's next change begins where this one ended."""
_BATCH = 32
"""Commits whose diffs are asked for together."""
_SHARE = 128
"""Commits that another process takes at a time."""
_GIT_WIDTH = 7
"""Digits of an object id where git abbreviates it, by which a diff's length is counted."""
_FULL_WIDTH = 40
_REMEMBERED = 1024
"""Commits of which it is kept what their paths say."""

_Pair = tuple[str, str | None]
_Text = str | RepositoryError | None
"""A diff, why git gave up on it, or None for one that is too large."""


def mine(repository: Repository, config: MiningConfig, *, jobs: int = 1) -> Iterator[Candidate | Rejection]:
    """Look at every commit that ``config.revision`` reaches, newest first.

    Args:
        repository: the history.
        config: which commits are candidates.
        jobs: processes that look at commits; 1: this one alone. What comes out, and its order, stay the same.

    Raises:
        RepositoryError: the revision names no commit.
    """
    steps = followed(_limited(repository.lineage(config.revision), config, repository), config.link)
    found = (
        _with_processes(repository, config, steps, jobs) if jobs > 1 else examine(repository, config, steps)
    )
    candidates = 0
    for one in found:
        yield one
        candidates += isinstance(one, Candidate)
        if candidates == config.limit:
            return


def _limited(history: Iterator[_Pair], config: MiningConfig, repository: Repository) -> Iterator[_Pair]:
    if config.since or config.until:
        first, end = config.since_seconds, config.until_seconds
        history = (pair for pair in history if first <= repository.commit(pair[0]).committer_time < end)
    return itertools.islice(history, config.commits)


def _with_processes(
    repository: Repository, config: MiningConfig, steps: Iterator[Step], jobs: int
) -> Iterator[Candidate | Rejection]:
    workers = Workers(functools.partial(_examine_share, repository, config), jobs)
    for found in workers.map(_batched(steps, _SHARE)):
        yield from found


def _batched(items: Iterable[Step], size: int) -> Iterator[tuple[Step, ...]]:
    iterator = iter(items)
    while batch := tuple(itertools.islice(iterator, size)):
        yield batch


def _examine_share(
    repository: Repository, config: MiningConfig, share: tuple[Step, ...]
) -> list[Candidate | Rejection]:
    return list(examine(repository, config, share))


def examine(
    repository: Repository, config: MiningConfig, steps: Iterable[Step]
) -> Iterator[Candidate | Rejection]:
    """What becomes of each of some commits, in their order."""
    miner = _Miner(repository, config)
    try:
        for batch in _batched(steps, _BATCH):
            yield from miner.examine(batch)
    finally:
        miner.close()


class _Wanted(NamedTuple):
    """A commit whose diff decides."""

    commit: Commit
    testers: tuple[str, ...]
    """Commits that may hold its tests, the nearest first; none where it has tests itself."""

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The diffs that are asked for."""
        own = self.commit.hash
        return [(own, self.commit.parents[0]), *((tester, own) for tester in self.testers)]


class _Miner:
    """Looks at commits of one repository."""

    def __init__(self, repository: Repository, config: MiningConfig) -> None:
        self._repository = repository
        self._config = config
        self._stream: DiffStream | None = None
        self._outlines: dict[str, Outline] = {}
        self._latest: dict[str, Outline] = {}
        self._touches: dict[str, Touch] = {}

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()

    def examine(self, batch: tuple[Step, ...]) -> Iterator[Candidate | Rejection]:
        firsts = [self._look(step) for step in batch]
        wanted = [one for one in firsts if isinstance(one, _Wanted)]
        diffs = self._diffs([pair for one in wanted for pair in one.pairs])
        for one in firsts:
            if isinstance(one, _Wanted):
                yield self._weigh(one, list(itertools.islice(diffs, len(one.pairs))))
            else:
                yield one

    def _look(self, step: Step) -> _Wanted | Rejection:
        """Judge by the paths alone."""
        name = step.commit
        try:
            commit = self._repository.commit(name)
            if not commit.parents:
                return Rejection(commit=name, reason="root")
            paths = self._repository.changed_paths(commit.parents[0], name)
        except RepositoryError:
            return Rejection(commit=name, reason="unreadable")  # damaged, or missing
        own = touch(paths, self._config)
        self._remember(name, own)
        testers = self._testers(step) if own.source and not any(map(is_test_path, paths)) else ()
        for check in PATH_FILTERS:
            reason = check(paths, self._config)
            if reason and not (testers and check is no_tests):
                return Rejection(commit=name, reason=reason)
        return _Wanted(commit, testers)

    def _testers(self, step: Step) -> tuple[str, ...]:
        """Commits that may hold the tests of one, by their paths: the nearest first."""
        found = []
        for way in step.followers:
            touches = [self._touch(parent, name) for parent, name in itertools.pairwise((step.commit, *way))]
            if touches[-1].tests_alone and not any(one.source for one in touches):
                found.append(way[-1])
        return tuple(found)

    def _touch(self, parent: str, name: str) -> Touch:
        known = self._touches.get(name)
        if known is None:
            try:
                known = touch(self._repository.changed_paths(parent, name), self._config)
            except RepositoryError:
                known = Touch(source=True, tests_alone=False)  # nobody knows what it did
            self._remember(name, known)
        return known

    def _remember(self, name: str, known: Touch) -> None:
        self._touches[name] = known
        if len(self._touches) > _REMEMBERED:
            del self._touches[next(iter(self._touches))]

    def _diffs(self, pairs: list[tuple[str, str]]) -> Iterator[_Text]:
        """Diffs of a batch; where git gives up on one, that one alone is lost."""
        done = 0
        while done < len(pairs):
            try:
                if self._stream is None:
                    self._stream = DiffStream(self._repository)
                for text in self._stream.ask(pairs[done:]):
                    done += 1
                    yield text
            except RepositoryError as error:
                if self._stream is not None:
                    self._stream.close()
                self._stream = None
                done += 1
                yield error

    def _weigh(self, wanted: _Wanted, texts: list[_Text]) -> Candidate | Rejection:
        """Judge by the diffs."""
        commit, text = wanted.commit, texts[0]
        if isinstance(text, RepositoryError):
            return Rejection(commit=commit.hash, reason="unreadable")
        if text is None:
            return Rejection(commit=commit.hash, reason="huge-diff")
        try:
            return self._weigh_files(wanted, read_patch(text), texts[1:])
        except PatchError:  # a tree with "..", say, that no checkout can hold
            return Rejection(commit=commit.hash, reason="odd-paths")
        except RepositoryError:
            return Rejection(commit=commit.hash, reason="unreadable")

    def _weigh_files(
        self, wanted: _Wanted, files: tuple[FilePatch, ...], later: list[_Text]
    ) -> Candidate | Rejection:
        commit, tests_commit = wanted.commit, None
        for tester, text in zip(wanted.testers, later, strict=True):
            tests = _tests_of(text)
            if tests and self._are_about(tests, commit, files):
                files, tests_commit = files + tests, tester
                break
        if wanted.testers and tests_commit is None and self._config.needs_tests:
            return Rejection(commit=commit.hash, reason="no-tests")
        candidate = _measured(commit, files, tests_commit)
        for check in SIZE_FILTERS:
            if reason := check(candidate, self._config):
                return Rejection(commit=commit.hash, reason=reason)
        return self._judged(candidate, files)

    def _are_about(self, tests: tuple[FilePatch, ...], commit: Commit, files: tuple[FilePatch, ...]) -> bool:
        words = words_of(tests)
        return names_a_module(words, _measured(commit, files)) or names_an_entity(words, self._read(files))

    def _read(self, files: tuple[FilePatch, ...]) -> list[Reading]:
        return [
            read(file, *self._outlines_of(file), is_test=is_test_path(file.path))
            for file in files
            if is_python_path(file.path) and (self._config.reads_tests or not is_test_path(file.path))
        ]

    def _judged(self, candidate: Candidate, files: tuple[FilePatch, ...]) -> Candidate | Rejection:
        """Judge by the entities."""
        readings = self._read(files)
        candidate = candidate.model_copy(update=_counted(readings))
        for check in ENTITY_FILTERS:
            if reason := check(candidate, readings, self._config):
                return Rejection(commit=candidate.commit.hash, reason=reason)
        return candidate

    def _outlines_of(self, file: FilePatch) -> tuple[Outline, Outline]:
        """The outlines of a file before and after the commit; of nothing where it is not there, or did not change."""
        old, new = (oid if file.hunks and oid.strip("0") else "" for oid in file.index or ("", ""))
        after = self._outline(new, self._latest.get(file.path))
        before = self._outline(old, after, file.hunks)
        if old:
            self._latest[file.path] = before
            if len(self._latest) > _NEAR:
                del self._latest[next(iter(self._latest))]
        return before, after

    def _outline(self, oid: str, near: Outline | None, hunks: tuple[Hunk, ...] = ()) -> Outline:
        if not oid:
            return Outline(b"")
        outline = self._outlines.pop(oid, None) or Outline(self._repository.blob(oid), near=near, hunks=hunks)
        self._outlines[oid] = outline
        if len(self._outlines) > _NEAR:
            del self._outlines[next(iter(self._outlines))]
        return outline


def _tests_of(text: _Text) -> tuple[FilePatch, ...]:
    """The test side of a diff; nothing of one that cannot be had."""
    if not isinstance(text, str):
        return ()
    try:
        return test_side(read_patch(text))
    except PatchError:
        return ()


def _measured(commit: Commit, files: tuple[FilePatch, ...], tests_commit: str | None = None) -> Candidate:
    changed = []
    for file in files:
        signs = [line[:1] for hunk in file.hunks for line in hunk.lines]
        changed.append(
            ChangedFile(
                path=file.path,
                old_path=file.old_path,
                kind=file.kind,
                is_test=is_test_path(file.path),
                is_binary=file.is_binary,
                added_lines=signs.count("+"),
                deleted_lines=signs.count("-"),
            )
        )
    length = sum(_length(file) for file in files if is_python_path(file.path))
    return Candidate(
        commit=commit,
        base=commit.parents[0],
        files=tuple(changed),
        patch_length=length,
        tests_commit=tests_commit,
    )


def _length(file: FilePatch) -> int:
    return len(file.text) - (2 * (_FULL_WIDTH - _GIT_WIDTH) if file.index else 0)


def _counted(readings: list[Reading]) -> dict[str, object]:
    added = deleted = edited = statements = 0
    entities = []
    for one in readings:
        found = touched(one.before, one.after, one.file.hunks)
        statements += sum(part.type == "statement" for part in found.edited)
        if one.is_test:
            continue
        added += sum(part.type != "statement" for part in found.added)
        deleted += sum(part.type != "statement" for part in found.deleted)
        edited += sum(part.type != "statement" for part in found.edited)
        entities += [record(one.file.path, part) for part in found.edited if part.type in NAMED]
    counts = EntityCounts(added=added, deleted=deleted, edited=edited, statements=statements)
    return {"counts": counts, "entities": tuple(entities)}
