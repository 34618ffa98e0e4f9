"""What became of the tests of one run, and how the phases of a test add up to one status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from r2egym.records import ExecResult, Record, TestStatus


class TestRun(Record):
    """One run of test modules in one sandbox."""

    __test__ = False

    statuses: dict[str, TestStatus]
    """Test id → status, of every test that was reported from its set-up to its teardown."""
    messages: dict[str, str] = {}
    """Test id → why it did not pass. A module that could not be imported has one under its path."""
    durations: dict[str, float] = {}
    """Test id → wall seconds, all phases."""
    complete: bool
    """Whether the run came to its end: every collected test reported, nothing cut off, exit code as announced."""
    census: tuple[str, ...] = ()
    """Every collected test, in order. Of compiled tests: the tests themselves, without their twins."""
    alarms: tuple[str, ...] = ()
    """What an honest run does not do: results after the end, twice, of unknown tests, against the exit code."""
    timeouts: tuple[str, ...] = ()
    """Ids of tests that their own time limit ended."""
    twins_passed: dict[str, tuple[int, ...]] = {}
    """Id of a test that passed → the twins that passed as well, on the same row."""
    twins_missing: dict[str, tuple[int, ...]] = {}
    """Id of a test that passed → the twins that it has and that were not reported."""
    twins_failed: dict[str, tuple[int, ...]] = {}
    """Id of a test that passed → the twins that did not, on the same row: what speaks for it."""
    twins_slow: tuple[str, ...] = ()
    """Ids of test functions of which a twin was ended by the time limit of a test."""
    origins: dict[str, str] = {}
    """Package of the project → file or folder that it was imported from; packages not imported are absent."""
    versions: dict[str, str] = {}
    """``python``, and ``pytest`` where it ran."""
    exec: ExecResult
    """The process, as seen from outside its sandbox."""

    def imports_source(self, root: str = "/testbed") -> bool | None:
        """Whether every package that was imported came from under ``root``; None when none was."""
        if not self.origins:
            return None
        return all(place.startswith(root + "/") or place == root for place in self.origins.values())


class Phase(NamedTuple):
    """One report: what a phase of a test came to."""

    outcome: str
    expected_failure: bool = False


def status_of(phases: Mapping[str, Phase], subtests: Sequence[Phase] = ()) -> TestStatus | None:
    """One status from the phases ``setup``, ``call`` and ``teardown``; None when a phase is missing."""
    setup, call, teardown = (phases.get(name) for name in ("setup", "call", "teardown"))
    if setup is None or teardown is None:
        return None
    if setup.outcome == "failed":
        return TestStatus.ERROR
    if setup.outcome == "skipped":
        status = TestStatus.XFAIL if setup.expected_failure else TestStatus.SKIPPED
    elif call is None:
        return None
    else:
        status = _of_call(call)
    if any(part.outcome == "failed" for part in subtests):
        status = TestStatus.FAILED
    if teardown.outcome == "failed" and status is not TestStatus.FAILED:
        return TestStatus.ERROR
    return status


def _of_call(call: Phase) -> TestStatus:
    if call.outcome == "passed":
        return TestStatus.XPASS if call.expected_failure else TestStatus.PASSED
    if call.outcome == "skipped":
        return TestStatus.XFAIL if call.expected_failure else TestStatus.SKIPPED
    return TestStatus.FAILED
