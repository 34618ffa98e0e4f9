"""From a run to a reward: what counts as passed, as tampering, and as neither."""

from __future__ import annotations

from collections.abc import Container, Mapping

from r2egym.grading.published import published_reward
from r2egym.records import Reward, Task, TestStatus
from r2egym.testing import TestRun

_KILLED = 137
_LINES = 50
_LINE = 300
"""How much a reward tells of what a patch and its run chose to say."""


class Doubts:
    """Reasons not to believe a run. What a control shows as well is no reason: such a twin proves nothing."""

    def __init__(self, task: Task, run: TestRun) -> None:
        asked = frozenset(expected(task))
        self.alarms = set(run.alarms)
        self._passed = _pairs(run.twins_passed, asked)
        self._missing = _pairs(run.twins_missing, asked)

    @property
    def any(self) -> bool:
        """Whether anything is left to be explained."""
        return bool(self.alarms or self._passed or self._missing)

    def explain(self, control: TestRun) -> None:
        """Drop what an honest run shows too."""
        self.alarms.difference_update(control.alarms)
        self._passed -= _pairs(control.twins_passed)
        self._missing -= _pairs(control.twins_missing)

    @property
    def missing(self) -> frozenset[str]:
        """Tests of which a twin is missing."""
        return frozenset(test for test, _ in self._missing)

    @property
    def tampering(self) -> tuple[str, ...]:
        """One line a contradiction."""
        twins = tuple(
            f"{test} passed, and so did its twin" for test in sorted({test for test, _ in self._passed})
        )
        return tuple(printable(line)[:_LINE] for line in (*sorted(self.alarms), *twins)[:_LINES])


def _pairs(twins: Mapping[str, tuple[int, ...]], asked: Container[str] | None = None) -> set[tuple[str, int]]:
    return {
        (test, number)
        for test, numbers in twins.items()
        if asked is None or test in asked
        for number in numbers
    }


def is_vouched(task: Task, run: TestRun) -> bool:
    """Whether of each F2P test that has a twin which can fail one did: else a forged pass of it would go unseen."""
    return all(
        test in run.twins_failed for test in task.validation.twinned or () if test in task.fail_to_pass
    )


def expected(task: Task) -> tuple[str, ...]:
    """The tests that must pass."""
    return (*task.fail_to_pass, *task.pass_to_pass)


def printable(text: str) -> str:
    """Text that can be written as UTF-8, whatever bytes a path or a name was made of."""
    return text.encode("utf-8", "backslashreplace").decode()


def zero(task: Task, *, note: str, ignored: tuple[str, ...] = ()) -> Reward:
    """The reward of a patch that was never run."""
    return Reward(
        instance_id=task.instance_id,
        resolved=False,
        score=0.0,
        f2p=dict.fromkeys(task.fail_to_pass, TestStatus.MISSING),
        p2p=dict.fromkeys(task.pass_to_pass, TestStatus.MISSING),
        published=0,
        ignored=tuple(map(printable, ignored)),
        note=printable(note),
    )


def believed(task: Task) -> Reward:
    """The reward of a patch of which nothing is known but that all tests passed."""
    return Reward(
        instance_id=task.instance_id,
        resolved=True,
        score=1.0,
        f2p=dict.fromkeys(task.fail_to_pass, TestStatus.PASSED),
        p2p=dict.fromkeys(task.pass_to_pass, TestStatus.PASSED),
        published=1,
    )


def reward_of(
    task: Task, run: TestRun, doubts: Doubts, *, ignored: tuple[str, ...] = (), note: str = ""
) -> Reward:
    """The reward of a run, given the doubts that no control explained."""

    def statuses(tests: tuple[str, ...]) -> dict[str, TestStatus]:
        return {
            test: TestStatus.MISSING if test in doubts.missing else run.statuses.get(test, TestStatus.MISSING)
            for test in tests
        }

    f2p, p2p = statuses(task.fail_to_pass), statuses(task.pass_to_pass)
    tampering = doubts.tampering
    passed = bool(f2p) and all(status is TestStatus.PASSED for status in (*f2p.values(), *p2p.values()))
    resolved = passed and run.complete and not tampering
    if passed and not run.complete:
        note = note or "the run did not come to its end"
    seen = {test: run.statuses.get(test, TestStatus.MISSING) for test in task.gold_statuses}
    return Reward(
        instance_id=task.instance_id,
        resolved=resolved,
        score=1.0 if resolved else 0.0,
        f2p=f2p,
        p2p=p2p,
        published=0 if tampering or not run.complete else published_reward(task.gold_statuses, seen),
        ignored=tuple(map(printable, ignored)),
        tampering=tampering,
        note=printable(note),
    )


def loss(task: Task, run: TestRun) -> str:
    """What took results away that may be the machine's fault as well as the patch's; empty when nothing did."""
    if run.exec.timed_out:
        return "the run's time limit ended it"
    if run.exec.exit_code == _KILLED:
        return "it was killed, as for want of memory"
    slow = sorted(set(run.timeouts).intersection(expected(task)))
    return f"{slow[0]} took too long" if slow else ""
