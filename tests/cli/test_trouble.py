"""What can go wrong with a repository, a folder or a disk: one clear line each, exit code 2 (or 1: ran, no task)."""

import os
import subprocess
from pathlib import Path

import pytest


def git(folder: Path, *words: str) -> None:
    """Run git as somebody."""
    who = {
        "GIT_AUTHOR_NAME": "a",
        "GIT_AUTHOR_EMAIL": "a@b",
        "GIT_COMMITTER_NAME": "a",
        "GIT_COMMITTER_EMAIL": "a@b",
    }
    subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, env={**os.environ, **who})


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Two commits, and no test anywhere."""
    folder = tmp_path / "toy"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    for text in ("x = 1\n", "x = 2\n"):
        (folder / "toy.py").write_text(text)
        git(folder, "add", ".")
        git(folder, "commit", "-q", "-m", "change")
    return folder


def complaint(done: subprocess.CompletedProcess[str], code: int = 2) -> str:
    """The only line on stderr."""
    assert done.returncode == code, done
    (line,) = done.stderr.splitlines()
    assert line.startswith("r2egym: ")
    return line


@pytest.mark.parametrize("verb", ["mine", "curate"])
def test_what_is_no_repository(r2egym, tmp_path: Path, verb: str):
    """A folder without git, and a path without anything."""
    out = ["--out", tmp_path / "out"] if verb == "curate" else []
    (tmp_path / "plain").mkdir()
    assert "not a git repository" in complaint(r2egym(verb, tmp_path / "plain", *out))
    assert "no such folder" in complaint(r2egym(verb, tmp_path / "absent", *out))


@pytest.mark.parametrize("verb", ["mine", "curate"])
def test_empty_repository(r2egym, tmp_path: Path, verb: str):
    """A repository without a commit."""
    out = ["--out", tmp_path / "out"] if verb == "curate" else []
    (tmp_path / "empty").mkdir()
    git(tmp_path / "empty", "init", "-q")
    assert "empty" in complaint(r2egym(verb, tmp_path / "empty", *out))


@pytest.mark.parametrize("verb", ["mine", "curate"])
def test_bad_revision(r2egym, repository: Path, tmp_path: Path, verb: str):
    """A revision that names no commit."""
    out = ["--out", tmp_path / "out"] if verb == "curate" else []
    assert "no commit is named 'nope'" in complaint(r2egym(verb, repository, "--revision", "nope", *out))


def test_nothing_is_made_when_it_could_not_run(r2egym, repository: Path, tmp_path: Path):
    """A curation that cannot start leaves no folder behind."""
    r2egym("curate", repository, "--revision", "nope", "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_no_tests_is_an_answer(r2egym, repository: Path, tmp_path: Path):
    """A history without tests gives no task: exit code 1, one line that says where to look."""
    done = r2egym("curate", repository, "--out", tmp_path / "out", "--json")
    assert "no task came out of 2 commits" in complaint(done, 1)
    assert (tmp_path / "out" / "tasks.parquet").is_file()


def test_unwritable_folder(r2egym, repository: Path, tmp_path: Path):
    """A file where the dataset's folder should be; and a folder that may not be written, for who is not root."""
    (tmp_path / "file").write_text("")
    assert str(tmp_path / "file") in complaint(r2egym("curate", repository, "--out", tmp_path / "file"))
    if os.geteuid() == 0:
        return
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    assert "permission denied" in complaint(r2egym("curate", repository, "--out", locked / "out"))


def test_full_disk(r2egym, repository: Path, tmp_path: Path):
    """A disk without room is named, with the file that did not fit."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16k", "none", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("a small file system cannot be mounted here (needs root)")
    try:
        (disk / "ballast").write_bytes(b"x" * 8192)
        line = complaint(r2egym("curate", repository, "--out", disk / "out"))
    finally:
        subprocess.run(["umount", str(disk)], check=True)
    assert "no space left on device" in line
    assert str(disk) in line


def test_an_installers_bounds(r2egym, repository: Path, tmp_path: Path):
    """What is no bound, a bound of nobody, and a model that leads nowhere."""
    words = ["curate", repository, "--out", tmp_path / "out"]
    for text in ("steps", "steps=0", "steps=many", "hours=3"):
        told = complaint(r2egym(*words, "--installer", "openai/m", "--installer-budget", text))
        assert f"--installer-budget {text}: give NAME=NUMBER with one of steps, tokens" in told
    assert "give --installer MODEL" in complaint(r2egym(*words, "--installer-budget", "steps=3"))
    assert "nowhere" in complaint(r2egym(*words, "--installer", "nowhere/model"))
