"""One candidate, from commit to proved task: every stage in its order."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from r2egym.curation.describe import describe, gather
from r2egym.curation.draft import draft
from r2egym.curation.funnel import NotATaskError, Rejected, Stage
from r2egym.curation.installs import Install
from r2egym.curation.mending import FIX_FAILS, build
from r2egym.curation.mutation import mutation_of
from r2egym.curation.prove import prove
from r2egym.curation.select_tests import select_tests
from r2egym.curation.testgen import Material, test_patch
from r2egym.curation.trial import try_tests
from r2egym.curation.workshop import Workshop
from r2egym.curation.writers import Writer
from r2egym.errors import BuildError
from r2egym.mining import Candidate, Patches, split_patch
from r2egym.records import HiddenTests, Mutation, Record, Task

_DETAIL = 500
"""Characters of a rejection's detail."""


class Outcome(Record):
    """What became of a candidate: a task, or a rejection."""

    commit: str
    tests_commit: str | None = None
    """Where the candidate's tests come from, when not from the commit itself."""
    task: Task | None = None
    rejected: Rejected | None = None
    install: Install | None = None
    """What was done where discovery failed; None: it did not, or there was nobody to help."""
    seconds: dict[str, float] = {}
    """Stage → wall seconds; outside the promise that equal runs give equal results."""

    @property
    def lacks_environment(self) -> bool:
        """Whether a recipe might have helped."""
        why = self.rejected
        return why is not None and (why.stage == "build" or why.reason == FIX_FAILS)


@dataclass
class _Watch:
    seconds: dict[str, float] = field(default_factory=dict)
    install: Install | None = None

    def note(self, install: Install) -> None:
        """Remember what was done where discovery failed."""
        self.install = install

    @contextmanager
    def stage(self, name: Stage) -> Iterator[None]:
        began = time.monotonic()
        try:
            yield
        finally:
            self.seconds[name] = round(self.seconds.get(name, 0.0) + time.monotonic() - began, 3)


def examine(shop: Workshop, writer: Writer, candidate: Candidate) -> Outcome:
    """Try to make a task of a candidate.

    Raises:
        SandboxError, GraderError, TaskError: the machinery failed, so nothing is known of the candidate.
    """
    watch = _Watch()
    commit = candidate.commit.hash
    said: dict[str, Task | Rejected | Install | None] = {}
    try:
        said["task"] = _task(shop, writer, candidate, watch)
    except NotATaskError as reason:
        said["rejected"] = _told(reason.rejected(commit), watch.install)
    said["install"] = watch.install
    return Outcome.model_validate(
        {"commit": commit, "tests_commit": candidate.tests_commit, "seconds": watch.seconds, **said}
    )


def _told(rejected: Rejected, install: Install | None) -> Rejected:
    """A rejection for want of an environment tells what an installer tried."""
    if install is None or install.recipe is not None or not (tried := install.told()):
        return rejected
    return rejected.model_copy(update={"detail": f"{rejected.detail[: _DETAIL - len(tried)]}; {tried}"})


def _task(shop: Workshop, writer: Writer, candidate: Candidate, watch: _Watch) -> Task:
    with watch.stage("select"):
        try:
            hidden = select_tests(shop.repository, candidate.base, candidate.judge)
        except NotATaskError as reason:
            if shop.tester is None or reason.reason != "no-test-module":
                raise
            hidden = None
        patches = split_patch(
            shop.repository, candidate, {file.path for file in hidden.files} if hidden else ()
        )
    if hidden is not None:
        return _made(shop, writer, candidate, hidden, patches, watch)
    return _with_written_tests(shop, writer, candidate, patches, watch)


def _with_written_tests(
    shop: Workshop, writer: Writer, candidate: Candidate, patches: Patches, watch: _Watch
) -> Task:
    """A task whose tests a model writes. Raises NotATaskError."""
    tester = shop.tester
    if tester is None or not patches.source:
        raise NotATaskError("select", "no-test-module", "nothing outside the tests was changed")
    paths = [file.path for file in candidate.files if file.path.endswith(".py") and not file.is_test]
    fixed = {path: shop.repository.read(candidate.commit.hash, path) for path in paths}
    material = Material(
        message=candidate.commit.message,
        patch=patches.source,
        files={path: data.decode("utf-8", "replace") for path, data in fixed.items() if data is not None},
    )

    def make(hidden: HiddenTests) -> Task:
        own = Patches(patches.source, patches.tests + test_patch(hidden))
        return _made(shop, writer, candidate, hidden, own, watch)

    def measure(task: Task) -> Mutation:
        return mutation_of(task, shop.repository, shop.grader)

    return tester.task(candidate.commit.hash, material, make, measure)


def _made(
    shop: Workshop, writer: Writer, candidate: Candidate, hidden: HiddenTests, patches: Patches, watch: _Watch
) -> Task:
    """The task that its hidden tests make of a candidate. Raises NotATaskError."""
    commit = candidate.commit.hash
    with watch.stage("build"):
        gold = shop.side(commit, candidate.judge, hidden)
        try:
            built, first = build(shop, candidate.base, commit, gold, hidden, watch.note)
        except BuildError as error:
            raise NotATaskError("build", error.reason, str(error)) from None
    with watch.stage("classify"):
        base = shop.side(candidate.base, candidate.judge, hidden)
        trial = try_tests(shop, built, base, gold, hidden, patches.source, first)
    with watch.stage("prove"):
        task = draft(shop.repository, candidate, patches, built, hidden, trial)
        task = prove(shop.fresh(), built, task)
    with watch.stage("describe"):
        evidence = gather(shop.repository, task, trial, commit)
        return describe(task, evidence, writer)
