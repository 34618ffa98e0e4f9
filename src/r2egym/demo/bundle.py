"""The bundled repository `larder`, unpacked: a git history whose every outcome is known beforehand.

It is data: ``data/history.txt`` (the history, as ``git log`` prints it), ``data/releases.toml`` (the releases of the
library that it depends on), ``data/outcomes.toml`` (what is expected of each commit) and ``data/patches/`` (patches that
solve a task otherwise than its author did, and patches that do not). Nothing here touches the network.
"""

from __future__ import annotations

import importlib.resources
import shutil
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from r2egym.demo._history import LoggedCommit, parse, rebuild
from r2egym.demo._wheels import write_index
from r2egym.errors import UsageError
from r2egym.records import Record

REPOSITORY = "larder.git"
GENERATED = "generated_tests.jsonl"
"""Name of the unpacked repository's folder."""


class Outcome(Record):
    """What is known of one commit before anything is run."""

    commit: str
    """40 hex digits."""
    subject: str
    kind: str
    """What the commit is there for: ``bug-fix``, ``merge``, ``syntax-error``…"""
    fate: Literal["task", "rejected"]
    stage: str | None = None
    """Of a rejected commit: the stage of the funnel that rejects it."""
    reason: str | None = None
    """Of a rejected commit: the reason code that the funnel counts it under."""
    fail_to_pass: tuple[str, ...] = ()
    pass_to_pass: tuple[str, ...] = ()
    tests_commit: str | None = None
    """Of a task whose tests came later: the commit that brought them."""
    flaky: tuple[str, ...] = ()
    """Test ids that do not agree with themselves from run to run."""


class PatchCase(Record):
    """A patch for one of the tasks, and the reward that it must get."""

    commit: str
    """Fix commit of the task."""
    name: str
    story: str
    """One line: what it does, and why that is right or wrong."""
    patch: str
    score: float
    ignored: tuple[str, ...] = ()
    """Paths that grading must leave out of it."""


@dataclass(frozen=True, slots=True)
class Demo:
    """Where the demo was unpacked to, and what is expected of it."""

    repository: Path
    """A bare git repository; its branch is ``main``."""
    index: Path
    """The wheel folder, with its ``uploads.json``."""
    outcomes: dict[str, Outcome]
    """Commit hash → what is expected of it; every commit is there, oldest first."""
    patches: tuple[PatchCase, ...]
    generated: Path
    """Tests that were written from the statements of some tasks: a file that ``r2egym verify --tests`` takes."""


def unpack(directory: Path) -> Demo:
    """Write the demo's repository and wheel folder under ``directory``, which is made when it is not there.

    Always the same bytes, so unpacking again to the same place is safe and cheap.

    Raises:
        RepositoryError: git is missing, or the bundled history was damaged.
        UsageError: ``directory`` holds another repository of that name.
        TaskError: pytest is not installed in a form that can be packed into a wheel.
    """
    commits = parse(_data("history.txt"))
    repository = directory / REPOSITORY
    if not repository.exists():
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".unpacking-", dir=directory) as aside:
            rebuild(commits, Path(aside) / REPOSITORY)
            shutil.move(Path(aside) / REPOSITORY, repository)
    elif _tip(repository) != commits[-1].hash:
        raise UsageError(f"{repository} is something else than the demo: choose another folder")
    index = directory / "index"
    write_index(_data("releases.toml"), index)
    generated = directory / GENERATED
    generated.write_text(_data(GENERATED), encoding="utf-8")
    return Demo(repository, index, _outcomes(commits), _patches(commits), generated)


def _data(name: str) -> str:
    """Text of a bundled file, exactly as it is."""
    return importlib.resources.files("r2egym.demo").joinpath("data", *name.split("/")).read_bytes().decode()


def _tip(repository: Path) -> str | None:
    """What ``main`` points to, if this is a repository of ours."""
    reference = repository / "refs" / "heads" / "main"
    return reference.read_text().strip() if reference.is_file() else None


def _outcomes(commits: tuple[LoggedCommit, ...]) -> dict[str, Outcome]:
    expected = {entry["subject"]: entry for entry in tomllib.loads(_data("outcomes.toml"))["commit"]}
    hashes = {commit.subject: commit.hash for commit in commits}
    for entry in expected.values():
        if "tests_in" in entry:
            entry["tests_commit"] = hashes[entry.pop("tests_in")]
    return {commit.hash: Outcome(commit=commit.hash, **expected[commit.subject]) for commit in commits}


def _patches(commits: tuple[LoggedCommit, ...]) -> tuple[PatchCase, ...]:
    hashes = {commit.subject: commit.hash for commit in commits}
    cases = tomllib.loads(_data("outcomes.toml")).get("patch", [])
    return tuple(
        PatchCase(commit=hashes[case.pop("subject")], patch=_data(f"patches/{case['name']}.diff"), **case)
        for case in cases
    )
