"""The bundled repository is rebuilt exactly, and refuses to be anything else."""

import hashlib
import subprocess
import time
from pathlib import Path

import pytest
from tests.demo.plain import git
from tests.demo.record import record

from r2egym.demo import Demo, unpack
from r2egym.demo import bundle as bundle_module
from r2egym.demo._history import parse, rebuild
from r2egym.errors import RepositoryError, UsageError

TIP = "a6c95c56dded8b7c20a62340f02789c7d3c0061f"
REFERENCES = {
    "refs/heads/main": TIP,
    "refs/tags/v0.1": "7ca67817604f1eddf89477059c9a017a3a91f314",
    "refs/tags/v0.4": "495a6cdddd873214882e72a1a41a892104ed8c38",
    "refs/tags/v0.5": TIP,
}


def objects(demo: Demo) -> str:
    """A hash over the names, kinds and sizes of all objects."""
    listed = git(demo, "cat-file", "--batch-all-objects", "--batch-check")
    return hashlib.sha256(listed).hexdigest()


def test_history_is_rebuilt_to_fixed_hashes(demo: Demo) -> None:
    """Wherever it is unpacked, branch and tags name the same commits."""
    listed = git(demo, "for-each-ref", "--format=%(refname) %(objectname)").decode().split("\n")
    assert dict(line.split() for line in listed if line) == REFERENCES
    assert git(demo, "symbolic-ref", "HEAD").decode().strip() == "refs/heads/main"


def test_unpacking_twice_gives_the_same_bytes(demo: Demo, tmp_path: Path) -> None:
    """Objects and wheels do not depend on when and where they are written."""
    again = unpack(tmp_path)
    assert objects(again) == objects(demo)
    for file in demo.index.iterdir():
        assert (again.index / file.name).read_bytes() == file.read_bytes()
    assert again.outcomes == demo.outcomes


def test_unpacking_over_itself_changes_nothing(tmp_path: Path) -> None:
    """A second call finds everything in place."""
    first = unpack(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in first.repository.rglob("*")}
    assert unpack(tmp_path) == first
    assert {path: path.stat().st_mtime_ns for path in first.repository.rglob("*")} == before
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "generated_tests.jsonl",
        "index",
        "larder.git",
    ]


def test_history_is_rebuilt_quickly(tmp_path: Path) -> None:
    """Well under a second: the best of five, since others use this machine too."""
    commits = parse(bundle_module._data("history.txt"))
    seconds = []
    for name in "abcde":
        began = time.perf_counter()
        rebuild(commits, tmp_path / name)
        seconds.append(time.perf_counter() - began)
    assert min(seconds) < 0.9


def test_repository_is_sound(demo: Demo) -> None:
    """Git finds no fault in it, and nothing in it is unreachable."""
    assert git(demo, "fsck", "--strict", "--full", "--unreachable") == b""


def test_another_repository_is_left_alone(tmp_path: Path) -> None:
    """A folder of that name which is something else is not touched."""
    subprocess.run(["git", "init", "-q", "--bare", str(tmp_path / "larder.git")], check=True)
    with pytest.raises(UsageError, match="something else"):
        unpack(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("Begin a larder", "Begin a cellar", "Begin a cellar"),
        ("+0.5\n", "+0.6\n", "Release 0.5"),
        ("ada@larder.example> 1551535200 +0100", "ada@larder.example> 1551535201 +0100", "Begin a larder"),
    ],
)
def test_damaged_text_is_noticed(old: str, new: str, named: str, tmp_path: Path) -> None:
    """A text that makes other commits than it names is refused, with the commit at fault."""
    text = bundle_module._data("history.txt")
    with pytest.raises(RepositoryError, match=named):
        rebuild(parse(text.replace(old, new, 1)), tmp_path / "damaged.git")


@pytest.mark.parametrize("start", range(0, 60, 20))
def test_any_line_may_be_lost(start: int, tmp_path: Path) -> None:
    """A text that lost a line is refused, or the line meant nothing; nothing else comes out."""
    lines = bundle_module._data("history.txt").split("\n")
    for position in range(start, len(lines), 97):
        damaged = "\n".join(lines[:position] + lines[position + 1 :])
        target = tmp_path / f"{position}.git"
        try:
            commits = parse(damaged)
            rebuild(commits, target)
        except RepositoryError:
            continue
        assert (target / "refs" / "heads" / "main").read_text().strip() == TIP


def test_recording_the_repository_gives_its_text_back(demo: Demo, tmp_path: Path) -> None:
    """What `record.py` writes makes the same repository, so the history can be changed with git and recorded anew."""
    commits = parse(record(demo.repository))
    rebuild(commits, tmp_path / "again.git")
    assert commits[-1].hash == TIP
    assert {commit.hash for commit in commits} == set(demo.outcomes)


def test_git_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without git on the PATH there is one clear line."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RepositoryError, match="git is not on the PATH"):
        unpack(tmp_path / "demo")
