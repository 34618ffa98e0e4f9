"""Streaming a history: every commit comes out exactly once, as a candidate or with the reason why it is none.

Most commits are turned away by the paths that they touch, which are read in process. The others' diffs come from one git
process; and of those that pass every threshold on sizes, Python files outside the tests are parsed, each version once
while it is near. Memory does not grow with the history.

Merges are judged against their first parent. Root commits have nothing to be judged against.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Iterator

from r2egym.errors import RepositoryError
from r2egym.mining.candidates import Candidate, ChangedFile, EntityCounts, Rejection
from r2egym.mining.config import MiningConfig
from r2egym.mining.diffs import DiffStream
from r2egym.mining.entities import NAMED, Outline, record, touched
from r2egym.mining.filters import ENTITY_FILTERS, PATH_FILTERS, SIZE_FILTERS, Reading, read
from r2egym.mining.git import Repository
from r2egym.mining.patches import FilePatch, Hunk, PatchError, read_patch
from r2egym.mining.paths import is_python_path, is_test_path
from r2egym.mining.processes import Workers
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


def mine(repository: Repository, config: MiningConfig, *, jobs: int = 1) -> Iterator[Candidate | Rejection]:
    """Look at every commit that ``config.revision`` reaches, newest first.

    Args:
        repository: the history.
        config: which commits are candidates.
        jobs: processes that look at commits; 1: this one alone. What comes out, and its order, stay the same.

    Raises:
        RepositoryError: the revision names no commit.
    """
    hashes = _limited(repository.history(config.revision), config, repository)
    found = (
        _with_processes(repository, config, hashes, jobs) if jobs > 1 else examine(repository, config, hashes)
    )
    candidates = 0
    for one in found:
        yield one
        candidates += isinstance(one, Candidate)
        if candidates == config.limit:
            return


def _limited(hashes: Iterator[str], config: MiningConfig, repository: Repository) -> Iterator[str]:
    if config.since or config.until:
        first, end = config.since_seconds, config.until_seconds
        hashes = (name for name in hashes if first <= repository.commit(name).committer_time < end)
    return itertools.islice(hashes, config.commits)


def _with_processes(
    repository: Repository, config: MiningConfig, hashes: Iterator[str], jobs: int
) -> Iterator[Candidate | Rejection]:
    workers = Workers(functools.partial(_examine_share, repository, config), jobs)
    for found in workers.map(_batched(hashes, _SHARE)):
        yield from found


def _batched(items: Iterable[str], size: int) -> Iterator[tuple[str, ...]]:
    iterator = iter(items)
    while batch := tuple(itertools.islice(iterator, size)):
        yield batch


def _examine_share(
    repository: Repository, config: MiningConfig, share: tuple[str, ...]
) -> list[Candidate | Rejection]:
    return list(examine(repository, config, share))


def examine(
    repository: Repository, config: MiningConfig, hashes: Iterable[str]
) -> Iterator[Candidate | Rejection]:
    """What becomes of each of some commits, in their order."""
    miner = _Miner(repository, config)
    try:
        for batch in _batched(hashes, _BATCH):
            yield from miner.examine(batch)
    finally:
        miner.close()


class _Miner:
    """Looks at commits of one repository."""

    def __init__(self, repository: Repository, config: MiningConfig) -> None:
        self._repository = repository
        self._config = config
        self._stream: DiffStream | None = None
        self._outlines: dict[str, Outline] = {}
        self._latest: dict[str, Outline] = {}

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()

    def examine(self, batch: tuple[str, ...]) -> Iterator[Candidate | Rejection]:
        firsts = [self._look(name) for name in batch]
        wanted = [one for one in firsts if isinstance(one, Commit)]
        diffs = self._diffs([(commit.hash, commit.parents[0]) for commit in wanted])
        for one in firsts:
            yield self._weigh(one, next(diffs)) if isinstance(one, Commit) else one

    def _look(self, name: str) -> Commit | Rejection:
        """Judge by the paths alone."""
        try:
            commit = self._repository.commit(name)
            if not commit.parents:
                return Rejection(commit=name, reason="root")
            paths = self._repository.changed_paths(commit.parents[0], name)
        except RepositoryError:
            return Rejection(commit=name, reason="unreadable")  # damaged, or missing
        for check in PATH_FILTERS:
            if reason := check(paths, self._config):
                return Rejection(commit=name, reason=reason)
        return commit

    def _diffs(self, pairs: list[tuple[str, str]]) -> Iterator[str | RepositoryError | None]:
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

    def _weigh(self, commit: Commit, text: str | RepositoryError | None) -> Candidate | Rejection:
        """Judge by the diff."""
        if isinstance(text, RepositoryError):
            return Rejection(commit=commit.hash, reason="unreadable")
        if text is None:
            return Rejection(commit=commit.hash, reason="huge-diff")
        try:
            files = read_patch(text)
            candidate = _measured(commit, files)
            for check in SIZE_FILTERS:
                if reason := check(candidate, self._config):
                    return Rejection(commit=commit.hash, reason=reason)
            return self._read(candidate, files)
        except PatchError:
            return Rejection(
                commit=commit.hash, reason="odd-paths"
            )  # a tree with "..", say, that no checkout can hold
        except RepositoryError:
            return Rejection(commit=commit.hash, reason="unreadable")

    def _read(self, candidate: Candidate, files: tuple[FilePatch, ...]) -> Candidate | Rejection:
        """Judge by the entities."""
        readings = [
            read(file, *self._outlines_of(file), is_test=is_test_path(file.path))
            for file in files
            if is_python_path(file.path) and (self._config.reads_tests or not is_test_path(file.path))
        ]
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


def _measured(commit: Commit, files: tuple[FilePatch, ...]) -> Candidate:
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
    return Candidate(commit=commit, base=commit.parents[0], files=tuple(changed), patch_length=length)


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
