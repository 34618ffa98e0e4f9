"""One candidate, from commit to proved task: every stage in its order."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from r2egym.curation.describe import describe, gather
from r2egym.curation.draft import draft
from r2egym.curation.funnel import NotATaskError, Rejected, Stage
from r2egym.curation.prove import prove
from r2egym.curation.select_tests import select_tests
from r2egym.curation.trial import try_tests
from r2egym.curation.workshop import Workshop
from r2egym.curation.writers import Writer
from r2egym.errors import BuildError
from r2egym.mining import Candidate, split_patch
from r2egym.records import Record, Task


class Outcome(Record):
    """What became of a candidate: a task, or a rejection."""

    commit: str
    tests_commit: str | None = None
    """Where the candidate's tests come from, when not from the commit itself."""
    task: Task | None = None
    rejected: Rejected | None = None
    seconds: dict[str, float] = {}
    """Stage → wall seconds; outside the promise that equal runs give equal results."""


@dataclass
class _Watch:
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: Stage) -> Iterator[None]:
        began = time.monotonic()
        try:
            yield
        finally:
            self.seconds[name] = round(time.monotonic() - began, 3)


def examine(shop: Workshop, writer: Writer, candidate: Candidate) -> Outcome:
    """Try to make a task of a candidate.

    Raises:
        SandboxError, GraderError, TaskError: the machinery failed, so nothing is known of the candidate.
    """
    watch = _Watch()
    commit = candidate.commit.hash
    said: dict[str, Task | Rejected] = {}
    try:
        said["task"] = _task(shop, writer, candidate, watch)
    except NotATaskError as reason:
        said["rejected"] = reason.rejected(commit)
    return Outcome.model_validate(
        {"commit": commit, "tests_commit": candidate.tests_commit, "seconds": watch.seconds, **said}
    )


def _task(shop: Workshop, writer: Writer, candidate: Candidate, watch: _Watch) -> Task:
    commit = candidate.commit.hash
    with watch.stage("select"):
        hidden = select_tests(shop.repository, candidate.base, candidate.judge)
        patches = split_patch(shop.repository, candidate, {file.path for file in hidden.files})
    with watch.stage("build"):
        gold = shop.side(commit, candidate.judge, hidden)
        try:
            built, first = shop.build(candidate.base, commit, gold, hidden)
        except BuildError as error:
            raise NotATaskError("build", error.reason, str(error)) from None
    with watch.stage("classify"):
        base = shop.side(candidate.base, candidate.judge, hidden)
        trial = try_tests(shop, built, base, gold, hidden, patches.source, first)
    with watch.stage("prove"):
        task = draft(shop.repository, candidate, patches, built, hidden, trial)
        task = prove(shop.patient(trial.patience), built, task)
    with watch.stage("describe"):
        evidence = gather(shop.repository, task, trial, commit)
        return describe(task, evidence, writer)
