"""A commit in the published form, and its patches."""

import json
import subprocess
from pathlib import Path

import pytest
from tests.mining.repositories import commit, git

from r2egym.mining import (
    Candidate,
    MiningConfig,
    Repository,
    mine,
    parsed_commit_content,
    rebuild_diff,
    split_patch,
)
from r2egym.mining.mine import _measured
from r2egym.mining.patches import parse_patch, read_patch
from r2egym.mining.split import diff


def everything(repository: Repository) -> list[Candidate]:
    """Every commit with a parent as a candidate, whatever it touches."""
    commits = [repository.commit(name) for name in repository.history("HEAD")]
    return [
        _measured(one, read_patch(diff(repository, one.parents[0], one.hash) or ""))
        for one in commits
        if one.parents
    ]


def git_diff(repository: Repository, candidate: Candidate) -> bytes:
    """What git itself prints."""
    return git(repository.path, "diff", "--full-index", candidate.base, candidate.commit.hash)


def check(repository: Repository, candidate: Candidate, tmp_path: Path) -> None:
    """The diff comes back byte for byte through JSON, and both patches together turn the base into the fix."""
    content = json.loads(json.dumps(parsed_commit_content(repository, candidate)))
    assert rebuild_diff(content).encode("utf-8", "surrogateescape") == git_diff(repository, candidate)
    patches = split_patch(repository, candidate)
    index = {"GIT_INDEX_FILE": str(tmp_path / candidate.commit.hash), "GIT_DIR": str(repository.path)}

    def run(*arguments: str, stdin: str = "") -> str:
        done = subprocess.run(
            ["git", *arguments],
            env={**index, "PATH": "/usr/bin:/bin"},
            input=stdin.encode(),
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, (candidate.commit.message, done.stderr)
        return done.stdout.decode()

    run("read-tree", candidate.base)
    for patch in patches:
        if patch:
            parse_patch(patch)
            run("apply", "--cached", "--whitespace=nowarn", "-", stdin=patch)
    assert run("write-tree").strip() == candidate.commit.tree


def test_every_commit_of_the_demo(larder: Repository, tmp_path: Path):
    """Renames, modes, binaries, links, submodules, odd bytes, CRLF, missing last newlines: all of it survives."""
    found = everything(larder)
    assert len(found) > 40
    for candidate in found:
        check(larder, candidate, tmp_path)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"a b.py": "x\n"}, {"a b.py": "y\n"}),
        ({'ü\t"q.py': "x\n"}, {'ü\t"q.py': "y\n"}),
        ({"a.py": "x"}, {"a.py": "x\n"}),
        ({"a.py": "x\n"}, {"a.py": "x"}),
        ({"a.py": ""}, {"a.py": None, "b": ""}),
        ({"a.py": "1\n2\n3\n4\n5\n6\n"}, {"a.py": None, "ü.py": "1\n2\n3\n4\n5\nsix\n"}),
        ({"a.py": "x\n"}, {"a.py": "\r\n\x0c\n\u2028 \x85\n"}),
        ({"a.py": b"caf\xe9\n"}, {"a.py": b"caf\xe8\n"}),
        ({"a.py": b"caf\xe9\n" * 9}, {"a.py": None, "c.py": b"caf\xe9\n" * 8 + b"\xff\n"}),
        ({"a.bin": bytes(range(256))}, {"a.bin": bytes(range(255))}),
        ({"a.bin": bytes(range(256))}, {"a.bin": None}),
        ({"a.py": "x\n"}, {"END": "END\n", "a.py": "END\n-- \n"}),
        ({"a.py": "--- a\n+++ b\n@@ -1 +1 @@\n"}, {"a.py": "diff --git a/x b/x\n--- a\n"}),
    ],
)
def test_awkward_changes(
    tmp_path: Path, before: dict[str, str | bytes], after: dict[str, str | bytes | None]
):
    """Names, endings and contents that break careless readers."""
    commit(tmp_path / "r", before)
    commit(tmp_path / "r", after, day=2)
    repository = Repository(tmp_path / "r")
    (candidate,) = everything(repository)
    check(repository, candidate, tmp_path)


def test_source_and_tests_are_apart(larder: Repository):
    """The gold patch touches no test, the test patch nothing else, and neither is empty for a candidate."""
    candidates = [found for found in mine(larder, MiningConfig()) if isinstance(found, Candidate)]
    for candidate in candidates:
        patches = split_patch(larder, candidate)
        sides = [[file.path for file in parse_patch(patch)] for patch in patches]
        assert sides[0] == [file.path for file in candidate.files if not file.is_test]
        assert sides[1] == [file.path for file in candidate.files if file.is_test]
        assert all(sides)


def test_hunks_name_what_they_touch(tmp_path: Path):
    """Each hunk lists the entities it modifies, adds and deletes, with their code."""
    commit(tmp_path / "r", {"a.py": "def f():\n    return 1\n\n\ndef g():\n    pass\n"})
    commit(tmp_path / "r", {"a.py": "def f():\n    return 2\n\n\ndef h():\n    pass\n"}, day=2)
    repository = Repository(tmp_path / "r")
    (candidate,) = everything(repository)
    (file,) = parsed_commit_content(repository, candidate)["file_diffs"]
    (hunk,) = file["hunks"]
    names = {
        key: [entity["name"] for entity in hunk[f"{key}_entities"]]
        for key in ("modified", "added", "deleted")
    }
    assert names == {"modified": ["f"], "added": ["h"], "deleted": ["g"]}
    assert hunk["modified_entities"][0]["content"] == "def f():\n    return 2"
    assert (file["old_file_content"], file["minus_file"]) == (
        "def f():\n    return 1\n\n\ndef g():\n    pass\n",
        {"path": "a/a.py"},
    )
