"""Streaming a history."""

import multiprocessing
import os
import shutil
from pathlib import Path

import pytest
from tests.mining.repositories import commit, git

from r2egym.demo import Demo
from r2egym.errors import RepositoryError, TaskError, UsageError
from r2egym.mining import Candidate, MiningConfig, Rejection, Repository, mine
from r2egym.mining.processes import Workers

FIX = {"a.py": "def f():\n    return 1\n", "test_a.py": "def test_f():\n    assert True\n"}


def name_of(found: Candidate | Rejection) -> str:
    """Hash of the commit."""
    return found.commit.hash if isinstance(found, Candidate) else found.commit


def test_every_commit_comes_out_once_newest_first(larder: Repository, demo: Demo):
    """No commit is lost, doubled, or out of order, whatever is in it."""
    names = [name_of(found) for found in mine(larder, MiningConfig())]
    assert len(names) == len(set(names)) == len(demo.outcomes)
    times = [larder.commit(name).committer_time for name in names]
    assert times == sorted(times, reverse=True)


def test_more_processes_find_the_same(larder: Repository):
    """Two processes give what one gives, in the same order."""
    config = MiningConfig.preset("published")
    assert list(mine(larder, config, jobs=2)) == list(mine(larder, config))


def test_bounds(tmp_path: Path):
    """Days are inclusive, --commits counts commits, --limit counts candidates."""
    commit(tmp_path / "r", {"a.py": ""}, day=1)
    fixes = [
        commit(tmp_path / "r", {"a.py": f"x = {n}\n", "test_a.py": f"y = {n}\n"}, day=n) for n in (2, 3, 4)
    ]
    docs = commit(tmp_path / "r", {"README": "hello"}, day=5)
    repository = Repository(tmp_path / "r")

    def names(**changes: object) -> list[str]:
        return [name_of(found) for found in mine(repository, MiningConfig(**changes))]

    assert names(since="2020-01-03", until="2020-01-04") == [fixes[2], fixes[1]]
    assert names(commits=2) == [docs, fixes[2]]
    assert names(limit=1) == [docs, fixes[2]]
    assert names(revision="HEAD~2", limit=1) == [fixes[1]]


def test_merge_is_judged_against_its_first_parent(tmp_path: Path):
    """What a merge brought to the branch it was merged into is what it changed."""
    root = tmp_path / "r"
    commit(root, {"a.py": "x = 1\n"})
    git(root, "checkout", "-q", "-b", "side")
    commit(root, FIX, day=2)
    git(root, "checkout", "-q", "main")
    ours = commit(root, {"README": "hello"}, day=3)
    git(root, "merge", "-q", "--no-ff", "-m", "Merge side", "side", day=4)
    merge = next(iter(mine(Repository(root), MiningConfig())))
    assert isinstance(merge, Candidate)
    assert merge.base == ours
    assert [file.path for file in merge.files] == ["a.py", "test_a.py"]


def test_shallow_history_ends_with_a_reason(tmp_path: Path):
    """Where a clone was cut off there is nothing to compare with, as with a root; everything above is mined."""
    commit(tmp_path / "r", {"a.py": ""}, day=1)
    for day in (2, 3):
        commit(tmp_path / "r", {**FIX, "a.py": f"x = {day}\n", "test_a.py": f"y = {day}\n"}, day=day)
    git(tmp_path, "clone", "-q", "--depth", "2", (tmp_path / "r").as_uri(), "cut")
    found = list(mine(Repository(tmp_path / "cut"), MiningConfig()))
    assert isinstance(found[0], Candidate)
    assert [one.reason for one in found[1:] if isinstance(one, Rejection)] == ["root"]


def test_a_damaged_object_loses_its_own_commits_alone(tmp_path: Path):
    """A file that is missing from the object store costs the commits that touch it, and no others."""
    root = tmp_path / "r"
    commit(root, {"a.py": "", "test_a.py": ""}, day=1)
    commit(root, {"a.py": "lost = 1\n", "test_a.py": "lost = 1\n"}, day=2)
    lost = git(root, "rev-parse", "HEAD:a.py").decode().strip()
    commit(root, {"a.py": "x = 2\n", "test_a.py": "y = 2\n"}, day=3)
    whole = [commit(root, {"a.py": f"x = {n}\n", "test_a.py": f"y = {n}\n"}, day=n) for n in (4, 5)]
    (root / ".git" / "objects" / lost[:2] / lost[2:]).unlink()
    found = list(mine(Repository(root), MiningConfig()))
    assert [name_of(one) for one in found if isinstance(one, Candidate)] == whole[::-1]
    assert [one.reason for one in found if isinstance(one, Rejection)] == ["unreadable", "unreadable", "root"]


def test_nothing_of_a_foreign_repository_runs(tmp_path: Path):
    """Its attributes, external diffs, text conversions and hooks are never asked."""
    root = tmp_path / "r"
    commit(
        root, {".gitattributes": "*.py diff=evil filter=evil\n", "a.py": "x = 1\n", "test_a.py": ""}, day=1
    )
    commit(root, {"a.py": "x = 2\n", "test_a.py": "y = 2\n"}, day=2)
    trap = tmp_path / "sprung"
    for key in (
        "diff.evil.command",
        "diff.evil.textconv",
        "diff.external",
        "filter.evil.smudge",
        "core.fsmonitor",
    ):
        git(root, "config", key, f"touch {trap}; cat")
    git(root, "config", "diff.noprefix", "true")
    found = next(iter(mine(Repository(root), MiningConfig())))
    assert isinstance(found, Candidate)
    assert found.num_non_test_lines == 2
    assert not trap.exists()


def test_a_giant_file_is_binary_not_a_hang(tmp_path: Path):
    """A changed file beyond the limit is told as binary; the commit is a candidate like any other."""
    root = tmp_path / "r"
    commit(root, {"a.py": "", "test_a.py": "", "tests/big.txt": "x\n" * 10_000_000}, day=1)
    commit(root, {"a.py": "x = 1\n", "test_a.py": "y = 1\n", "tests/big.txt": "y\n" * 10_000_000}, day=2)
    found = next(iter(mine(Repository(root), MiningConfig())))
    assert isinstance(found, Candidate)
    assert [file.is_binary for file in found.files] == [False, False, True]


def test_a_diff_too_large_for_a_row_has_its_reason(tmp_path: Path):
    """Many large files together are too much."""
    root = tmp_path / "r"
    text = "some words that make a line\n" * 200_000
    commit(root, {"a.py": "", "test_a.py": ""}, day=1)
    commit(root, {"a.py": "x = 1\n", "test_a.py": "", **{f"tests/{n}.txt": text for n in range(4)}}, day=2)
    assert [one.reason for one in mine(Repository(root), MiningConfig()) if isinstance(one, Rejection)] == [
        "huge-diff",
        "root",
    ]


def test_bad_questions(larder: Repository, tmp_path: Path):
    """A revision that is none, a date that is none, a copy that lost its branch: each says so."""
    with pytest.raises(RepositoryError, match="no commit is named 'nope'"):
        list(mine(larder, MiningConfig(revision="nope")))
    with pytest.raises(UsageError, match="since: '2020-13' is no date"):
        MiningConfig().adjusted(since="2020-13")
    shutil.copytree(larder.path, tmp_path / "copy.git")
    (tmp_path / "copy.git" / "HEAD").write_text("ref: refs/heads/gone\n")
    with pytest.raises(RepositoryError, match="HEAD names no commit"):
        list(mine(Repository(tmp_path / "copy.git"), MiningConfig()))


def test_a_worker_that_dies_is_said():
    """Whatever ends a process of ours, mining ends with one line instead of waiting for it."""
    workers = Workers(os._exit, 2)
    with pytest.raises(TaskError, match="ended from outside"):
        list(workers.map([1, 2, 3]))


def test_stopping_early_leaves_no_process(larder: Repository):
    """Who stops listening ends the processes."""
    before = set(multiprocessing.active_children())
    found = mine(larder, MiningConfig(), jobs=2)
    next(found)
    found.close()
    assert set(multiprocessing.active_children()) == before
