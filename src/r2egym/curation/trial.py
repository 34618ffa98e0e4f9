"""Running a candidate's tests plainly on both sides, until it is known which of them judge the fix."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from r2egym.building import Built
from r2egym.curation.classify import Classes, classify
from r2egym.curation.evidence import TAIL, TestFailure, shorten
from r2egym.curation.funnel import NotATaskError
from r2egym.curation.workshop import Workshop
from r2egym.records import HiddenTests, Record, TestStatus
from r2egym.testing import TestRun
from r2egym.testing.volatile import normalise

_WORD = re.compile(r"[A-Za-z_]\w*")
_ABSENT = re.compile(r"(?:cannot import name|No module named|has no attribute|name) '([\w.]+)'")

_PLAIN = 2
"""Plain runs a side without which flakiness goes unseen; beyond them, the last run of a side is a graded one."""
_LEAST_PATIENCE = 5.0
_PATIENCE = 10.0
_STEP = 6.0


class Trial(Record):
    """What both sides said."""

    classes: Classes
    failures: tuple[TestFailure, ...]
    """How each F2P test fails on base; only lines that every run agrees on."""
    base_log: str
    """One line a test, in the order of their ids, without anything volatile."""
    gold_log: str
    imports_source: bool | None
    """Whether the tests import the project from under ``/testbed``; None when they import no package of it."""
    patience: float
    """Seconds after which a test of this task hangs."""


def try_tests(
    shop: Workshop,
    built: Built,
    base: Path,
    gold: Path,
    hidden: HiddenTests,
    patch: str,
    first: TestRun,
) -> Trial:
    """Run both sides and sort the tests.

    The first run of a side ends the matter when it leaves nothing to judge by; otherwise the others are made.

    Args:
        shop: the machinery.
        built: the environment of the base commit.
        base: layer of the base side.
        gold: layer of the fix's side.
        hidden: the tests.
        patch: the gold patch, to tell a missing fix from a broken environment.
        first: the first run of the fix's side.

    Raises:
        NotATaskError: the tests say nothing about the fix (stage ``classify``).
    """
    gold_runs = [_complete(first)]
    patience = _patience(gold_runs[0], shop.options.test_timeout)
    base_runs = [shop.run(built, base, hidden, 0, test_timeout=patience)]
    _check_mends(classify(base_runs, gold_runs), gold_runs[0])
    for number in range(1, max(shop.options.runs - 1, min(shop.options.runs, _PLAIN))):
        gold_runs.append(_complete(shop.run(built, gold, hidden, number)))
        base_runs.append(shop.run(built, base, hidden, number, test_timeout=patience))
    classes = classify(base_runs, gold_runs)
    _check_mends(classes, gold_runs[0])
    _check_breaks_nothing(classes)
    _check_imports(gold_runs[0])
    failures = tuple(_failure(test, classes, base_runs) for test in classes.fail_to_pass)
    _check_cause(classes, failures, patch, hidden)
    return Trial(
        classes=classes,
        failures=failures,
        base_log=_log(classes.base, base_runs),
        gold_log=_log(classes.gold, gold_runs),
        imports_source=gold_runs[0].imports_source(),
        patience=patience,
    )


def _patience(gold: TestRun, most: float) -> float:
    """Seconds to wait for one test: many times what the slowest takes with the fix, in steps that another run finds too."""
    wanted, patience = _LEAST_PATIENCE + _PATIENCE * max(gold.durations.values(), default=0.0), _STEP
    while patience < wanted:
        patience *= 2
    return min(most, patience)


def _complete(run: TestRun) -> TestRun:
    """A run of the fix's own side must come to its end."""
    if run.exec.timed_out:
        raise NotATaskError("classify", "fix-times-out", "the tests of the fix do not end in time")
    if not run.complete and run.statuses:
        raise NotATaskError(
            "classify", "fix-crashes", f"the test run on the fix did not end well: {complaint(run)}"
        )
    return run


def _check_mends(classes: Classes, gold: TestRun) -> None:
    if classes.fail_to_pass:
        return
    if any(status is TestStatus.PASSED for status in gold.statuses.values()):
        kept = f"{len(classes.pass_to_pass)} tests pass on both sides, none only on the fix"
        raise NotATaskError("classify", "only-flaky" if classes.flaky else "nothing-mended", kept)
    raise NotATaskError("classify", "fix-fails", f"no test passes on the fix: {complaint(gold)}")


def complaint(run: TestRun) -> str:
    """The line of a run's messages that says most, for a person."""
    if run.statuses and set(run.statuses.values()) == {TestStatus.SKIPPED} and not run.messages:
        return f"all {len(run.statuses)} are skipped"
    text = normalise("\n".join(run.messages[test] for test in sorted(run.messages)) or run.exec.stderr)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    marked = [line.removeprefix("E ").strip() for line in lines if line.startswith("E ")]
    return ((marked or lines or ["no test ran"])[-1])[:200]


def _check_breaks_nothing(classes: Classes) -> None:
    if classes.broken:
        raise NotATaskError(
            "classify",
            "breaks-tests",
            f"{len(classes.broken)} tests pass on base and fail on the fix: {classes.broken[0]}",
        )


def _check_imports(gold: TestRun) -> None:
    if gold.imports_source() is False:
        strangers = [place for place in gold.origins.values() if not place.startswith("/testbed")]
        raise NotATaskError(
            "classify", "imports-installed", f"the tests import an installed copy: {strangers[0]}"
        )


def _check_cause(
    classes: Classes, failures: tuple[TestFailure, ...], patch: str, hidden: HiddenTests
) -> None:
    """Tests that cannot even be imported on base must miss something that the fix brings.

    Only when no F2P test ran on base: one that ran and failed there speaks for the environment.
    """
    if any(classes.base[test] in {TestStatus.FAILED, TestStatus.SKIPPED} for test in classes.fail_to_pass):
        return
    told = "\n".join(failure.message for failure in failures)
    absent = {name.rsplit(".", 1)[-1] for name in _ABSENT.findall(told)}
    given = {
        word
        for line in patch.splitlines()
        if line.startswith(("+", "diff --git "))
        for word in _WORD.findall(line)
    }
    given |= {word for file in hidden.files for word in _WORD.findall(file.path)}
    if absent and not absent & given:
        names = ", ".join(sorted(absent))
        raise NotATaskError(
            "classify", "base-broken", f"tests fail on base for want of {names}, which the fix does not bring"
        )


def _failure(test: str, classes: Classes, runs: Sequence[TestRun]) -> TestFailure:
    message = _stable([_message(run, test) for run in runs])
    return TestFailure(test=test, status=classes.base[test], message=shorten(message))


def _message(run: TestRun, test: str) -> str:
    """What a run said of a test; for one that was never collected, of its class or file."""
    parts = test.split("::")
    for length in range(len(parts), 0, -1):
        message = run.messages.get("::".join(parts[:length]))
        if message:
            return normalise(message)
    return ""


def _stable(messages: Sequence[str]) -> str:
    """The lines of the first message that all others have too."""
    others = [set(message.splitlines()) for message in messages[1:]]
    return "\n".join(line for line in messages[0].splitlines() if all(line in other for other in others))


def _log(statuses: dict[str, TestStatus], runs: Sequence[TestRun]) -> str:
    """The side's outcome as pytest's short summary has it, so that parsers of such logs read it."""
    lines = []
    for test, status in statuses.items():
        message = _stable([_message(run, test) for run in runs]) if status is not TestStatus.PASSED else ""
        reason = next(
            (line.lstrip("E ").strip() for line in message.splitlines() if line.startswith("E ")), ""
        )
        lines.append(f"{status} {test}" + (f" - {reason[:200]}" if reason else ""))
    return "\n".join(lines) + "\n"


def tail(log: str) -> str:
    """What a writer sees of a log."""
    return log[-TAIL:]
