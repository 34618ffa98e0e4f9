"""What the tests say on both sides: which a fix mends, which must stay, and which cannot be trusted.

Each side is run several times from scratch with another hash seed, test order and time zone. A test that does not agree
with itself is flaky; the others have one status a side.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from r2egym.records import Record, TestStatus

PASSING = frozenset({TestStatus.PASSED, TestStatus.XPASS})
_BAD = frozenset({TestStatus.FAILED, TestStatus.ERROR})


class Side(Protocol):
    """What one run of a side said: ``r2egym.testing.TestRun`` is one."""

    @property
    def statuses(self) -> dict[str, TestStatus]:
        """Status of each test that was reported."""
        ...

    @property
    def complete(self) -> bool:
        """Whether the run came to its end."""
        ...


class Classes(Record):
    """The tests of one task, sorted."""

    fail_to_pass: tuple[str, ...]
    pass_to_pass: tuple[str, ...]
    broken: tuple[str, ...]
    """Pass on base and fail on the fix: it breaks something."""
    flaky: tuple[str, ...]
    flake: dict[str, float] = {}
    """Flaky test → share of its runs that differ from what their side mostly said."""
    base: dict[str, TestStatus]
    """Status of each stable test on base."""
    gold: dict[str, TestStatus]
    """The same after the fix."""


def classify(base_runs: Sequence[Side], gold_runs: Sequence[Side]) -> Classes:
    """Sort tests by their statuses in every run of both sides.

    A test that a whole run does not have was MISSING there; one that a broken-off run does not have was not reached, and
    that run says nothing of it. On base, failing here and erring there is one thing, "does not pass": which of the two
    it is may depend on the order.
    """
    base: dict[str, TestStatus] = {}
    gold: dict[str, TestStatus] = {}
    flaky = []
    for test in sorted({test for run in (*base_runs, *gold_runs) for test in run.statuses}):
        before, after = _votes(base_runs, test), _votes(gold_runs, test)
        if (len(before) > 1 and not before <= _BAD) or len(after) > 1:
            flaky.append(test)
        else:
            base[test], gold[test] = min(before), after.pop()
    passing = [test for test, status in gold.items() if status is TestStatus.PASSED]
    return Classes(
        fail_to_pass=tuple(test for test in passing if base[test] not in PASSING),
        pass_to_pass=tuple(test for test in passing if base[test] in PASSING),
        broken=tuple(test for test, status in gold.items() if base[test] in PASSING and status in _BAD),
        flaky=tuple(flaky),
        flake={test: _flake(base_runs, gold_runs, test) for test in flaky},
        base=base,
        gold=gold,
    )


def _flake(base_runs: Sequence[Side], gold_runs: Sequence[Side], test: str) -> float:
    """Share of the runs that differ from what their side mostly said."""
    sides = [_told(runs, test) for runs in (base_runs, gold_runs)]
    odd = sum(len(told) - max(map(told.count, told), default=0) for told in sides)
    return round(odd / sum(map(len, sides)), 3)


def _votes(runs: Sequence[Side], test: str) -> set[TestStatus]:
    """Every status that a run gave the test; MISSING when none did."""
    return set(_told(runs, test)) or {TestStatus.MISSING}


def _told(runs: Sequence[Side], test: str) -> list[TestStatus]:
    """What each run says of a test; a broken-off run that had not reached it says nothing."""
    return [
        run.statuses.get(test, TestStatus.MISSING) for run in runs if run.complete or test in run.statuses
    ]
