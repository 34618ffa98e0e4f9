"""The execution-based verifier: regression tests and generated tests, run on every patch.

RS is how many of the repository's own tests, of those that pass on the base commit, pass with the patch. TS is how many generated
tests say that the problem is gone. s_EB is made of both when attempts are compared (:mod:`r2egym.verifiers.selectors`).

Patches that are the same once their own tests are taken away are run once. A generated test that says nothing about any patch,
nor about the base commit, is dropped.

Limits: a patch and the tests share a process, so a patch that means to deceive generated tests can; only grading holds against
that. All test modules of the repository are run as regression tests, within their time limit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from pydantic import JsonValue

from r2egym.environment import Facilities
from r2egym.errors import SandboxError, TaskError
from r2egym.mining import PatchError
from r2egym.records import Failure, Record, Task, TestOutcome, TestStatus, Verdict, content_hash
from r2egym.sandboxes.base import Sandbox
from r2egym.testing import TestRun
from r2egym.verifiers.suite import TestFile
from r2egym.verifiers.trial import Ground
from r2egym.verifiers.views import Candidate

NAME = "execution"
BASE = "resolved_on_base"
"""In the details of a verdict: generated tests that pass without any patch."""
_ASSERTED = re.compile(r"^(E\s+)?(AssertionError|assert\b|Failed: )", re.MULTILINE)
_TRIES = 2
"""How often a patch is run on which the sandbox breaks."""
_UNTRIED = SandboxError("not tried yet")
_NOT_APPLIED = "the patch does not apply"


class ExecutionOptions(Record):
    """Bounds of a run."""

    regression: bool = True
    """Whether regression tests are run."""
    regression_timeout: float = 600.0
    """Wall seconds for all of them on one patch."""
    file_timeout: float = 120.0
    """Wall seconds for a file of generated tests on one patch."""
    test_timeout: float = 30.0
    """Wall seconds for one test."""


class Tried(Record):
    """What tests said of one patch."""

    regression: tuple[str, ...] = ()
    """Ids that passed."""
    outcomes: dict[str, TestOutcome] = {}
    """Of generated tests, as they were seen."""
    applies: bool = True


def terms_of(task_hash: str, files: Sequence[TestFile], options: ExecutionOptions) -> str:
    """What its verdicts depend on beside the attempt."""
    tests: list[JsonValue] = [file.model_dump(mode="json") for file in files]
    return content_hash(
        {"verifier": NAME, "task": task_hash, "tests": tests, "options": options.model_dump(mode="json")}
    )


def try_patches(
    facilities: Facilities,
    task: Task,
    root: Path | None,
    candidates: Sequence[Candidate],
    files: Sequence[TestFile],
    options: ExecutionOptions,
) -> Iterator[Verdict]:
    """The verdicts on attempts at one task; what the machinery breaks is in them, and no exception."""
    terms = terms_of(content_hash(task), files, options)
    try:
        with Ground(facilities, task, root) as ground:
            yield from _Trials(ground, files, options, terms).verdicts(candidates)
    except (TaskError, SandboxError) as error:
        for candidate in candidates:
            yield _failed(_verdict(candidate, terms), error)


class _Trials:
    """The patches of one task."""

    def __init__(
        self, ground: Ground, files: Sequence[TestFile], options: ExecutionOptions, terms: str
    ) -> None:
        self._ground, self._files, self._options, self._terms = ground, files, options, terms
        base = self._tried("", ground.test_modules if options.regression else ())
        self._baseline = frozenset(base.regression)
        self._modules = tuple(sorted({test.partition("::")[0] for test in self._baseline}))
        self._known: dict[str, Tried | SandboxError] = {"": base}
        self._base = tuple(test for test, outcome in base.outcomes.items() if outcome == "resolved")

    def verdicts(self, candidates: Iterable[Candidate]) -> Iterator[Verdict]:
        """One for each attempt, all at the end: which tests say anything is known then."""
        tried = [(candidate, *self._try(candidate)) for candidate in candidates]
        results = [result for result in self._known.values() if isinstance(result, Tried)]
        telling = _telling(result.outcomes for result in results)
        for candidate, source, result in tried:
            verdict = _verdict(candidate, self._terms, source)
            if isinstance(result, Tried):
                yield self._told(verdict, result, telling)
            else:
                yield _failed(verdict, result)

    def _try(self, candidate: Candidate) -> tuple[str, Tried | SandboxError]:
        """What is run of an attempt's patch, and what came of it; the same is run once."""
        try:
            source = self._ground.source_of(candidate.patch)
        except PatchError:
            return candidate.patch, Tried(applies=False)
        for _ in range(_TRIES):
            if isinstance(self._known.get(source, _UNTRIED), SandboxError):
                try:
                    self._known[source] = self._tried(source, self._modules)
                except SandboxError as error:
                    self._known[source] = error
        return source, self._known[source]

    def _tried(self, source: str, modules: Sequence[str]) -> Tried:
        with self._ground.patched(source) as sandbox:
            if sandbox is None:
                return Tried(applies=False)
            return Tried(regression=self._regression(sandbox, modules), outcomes=self._generated(sandbox))

    def _regression(self, sandbox: Sandbox, modules: Sequence[str]) -> tuple[str, ...]:
        if not modules:
            return ()
        options = self._options
        run = self._ground.run(
            sandbox, modules, timeout=options.regression_timeout, test_timeout=options.test_timeout
        )
        return tuple(sorted(test for test, status in run.statuses.items() if status is TestStatus.PASSED))

    def _generated(self, sandbox: Sandbox) -> dict[str, TestOutcome]:
        found: dict[str, TestOutcome] = {}
        for file in self._files:
            run = self._ground.run(
                sandbox,
                [file.path],
                timeout=self._options.file_timeout,
                test_timeout=self._options.test_timeout,
                files={file.path: file.module()},
                tracebacks=True,
            )
            found |= outcomes_of(run, file)
        return found

    def _told(self, verdict: Verdict, result: Tried, telling: frozenset[str]) -> Verdict:
        passed = self._baseline & set(result.regression)
        outcomes: dict[str, TestOutcome] = {
            test: result.outcomes.get(test, "other") for test in sorted(telling)
        }
        resolved = sum(outcome == "resolved" for outcome in outcomes.values())
        regression = self._options.regression and bool(self._baseline)
        return verdict.model_copy(
            update={
                "regression": len(passed) if regression else None,
                "regression_total": len(self._baseline) if regression else None,
                "tests": resolved if telling else None,
                "tests_total": len(telling) if telling else None,
                "outcomes": outcomes,
                "broken": tuple(sorted(self._baseline - passed)),
                "note": "" if result.applies else _NOT_APPLIED,
                "details": {BASE: [test for test in self._base if test in telling]},
            }
        )


def outcomes_of(run: TestRun, file: TestFile) -> dict[str, TestOutcome]:
    """What each generated test of a file said, by names that do not depend on how it was run."""
    found: dict[str, TestOutcome] = {}
    for test, status in run.statuses.items():
        name = f"{file.name}::{test.partition('::')[2].removeprefix('Generated::')}"
        if status is TestStatus.PASSED:
            found[name] = "resolved"
        elif status is TestStatus.FAILED and _ASSERTED.search(run.messages.get(test, "")):
            found[name] = "reproduced"
        else:
            found[name] = "other"
    return found


def _telling(seen: Iterable[Mapping[str, TestOutcome]]) -> frozenset[str]:
    """Generated tests that say something about some patch, or about the base commit."""
    return frozenset(test for outcomes in seen for test, outcome in outcomes.items() if outcome != "other")


def _verdict(candidate: Candidate, terms: str, source: str | None = None) -> Verdict:
    return Verdict(
        instance_id=candidate.instance_id,
        attempt=candidate.attempt,
        identity=candidate.identity,
        verifier=NAME,
        terms=terms,
        patch=content_hash(candidate.patch if source is None else source),
    )


def _failed(verdict: Verdict, error: TaskError | SandboxError) -> Verdict:
    cause = str(error).partition("\n")[0][:500] or type(error).__name__
    boundary = "sandbox" if isinstance(error, SandboxError) else "task"
    failure = Failure.model_validate(
        {"boundary": boundary, "cause": cause, "policy_could_cause": boundary == "sandbox"}
    )
    return verdict.model_copy(update={"failure": failure, "note": cause})
