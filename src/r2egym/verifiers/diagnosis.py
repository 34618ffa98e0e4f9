"""How good verifiers are, where the truth is known.

A generated test *distinguishes* when it passes for some right and no wrong patch, or the other way round; it is *toxic* when it
passes for a wrong patch and for no right one; it is *pass-to-pass* when it passes on the base commit and for some right patch.
Only tasks with a right and a wrong attempt count. A verifier *agrees* with the truth as often as it scores the right one of a
right and a wrong attempt at the same task higher; equal or unknown scores count half.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from r2egym.records import Record, Scores, Verdict
from r2egym.verifiers.execution import BASE
from r2egym.verifiers.runs import EXECUTION
from r2egym.verifiers.scores import TaskScores
from r2egym.verifiers.selectors import UNKNOWN, execution_scores, level


class Diagnosis(Record):
    """Shares from 0 to 1; None where there is nothing to count."""

    tasks: int
    """Tasks with a right and a wrong attempt."""
    generated: int
    """Generated tests of those tasks that say anything."""
    distinguishing: float | None
    toxic: float | None
    pass_to_pass: float | None
    agreement: dict[str, float | None]
    """By verifier."""


def diagnose(tasks: Sequence[TaskScores], verdicts: Iterable[Verdict]) -> Diagnosis:
    """Compare verdicts with the truth.

    Args:
        tasks: scores with truths.
        verdicts: of the same attempts.
    """
    mixed = {task.instance_id: task for task in tasks if _mixed(task)}
    by_task: dict[str, list[Verdict]] = defaultdict(list)
    for verdict in verdicts:
        if verdict.verifier == EXECUTION and verdict.instance_id in mixed and verdict.failure is None:
            by_task[verdict.instance_id].append(verdict)
    counts = [counted for name, some in by_task.items() for counted in _tests(mixed[name], some)]
    others = {name for task in tasks for row in task.rows for name in row.other}
    agreement = {
        name: _agreement(mixed.values(), scores)
        for name, scores in {**_SCORES, **{name: _by(name) for name in sorted(others)}}.items()
    }

    def share(place: int) -> float | None:
        return sum(counted[place] for counted in counts) / len(counts) if counts else None

    return Diagnosis(
        tasks=len(mixed),
        generated=len(counts),
        distinguishing=share(0),
        toxic=share(1),
        pass_to_pass=share(2),
        agreement={name: value for name, value in agreement.items() if value is not None},
    )


def _mixed(task: TaskScores) -> bool:
    truths = [row.truth for row in task.rows if row.truth is not None]
    return bool(truths) and max(truths) > min(truths)


def _tests(task: TaskScores, verdicts: Sequence[Verdict]) -> Iterable[tuple[bool, bool, bool]]:
    """Of each generated test: whether it distinguishes, is toxic, is pass-to-pass."""
    truth: Mapping[int, float | None] = {row.attempt: row.truth for row in task.rows}
    best = max(value for value in truth.values() if value is not None)
    names = dict.fromkeys(name for verdict in verdicts for name in verdict.outcomes)
    for name in names:
        passed = {
            right: any(
                verdict.outcomes.get(name) == "resolved"
                for verdict in verdicts
                if truth.get(verdict.attempt) is not None and (truth[verdict.attempt] == best) is right
            )
            for right in (True, False)
        }
        base = any(name in _listed(verdict) for verdict in verdicts)
        yield passed[True] != passed[False], passed[False] and not passed[True], base and passed[True]


def _listed(verdict: Verdict) -> list[object]:
    found = verdict.details.get(BASE)
    return [*found] if isinstance(found, list) else []


_SCORES: dict[str, Callable[[Sequence[Scores]], list[float] | None]] = {
    "execution": lambda rows: (
        execution_scores(rows) if any(row.regression is not None for row in rows) else None
    ),
    "execution-free": lambda rows: (
        [level(row.judge) for row in rows] if any(row.judge is not None for row in rows) else None
    ),
}


def _by(name: str) -> Callable[[Sequence[Scores]], list[float] | None]:
    return lambda rows: [level(row.other.get(name)) for row in rows]


def _agreement(
    tasks: Iterable[TaskScores], scores: Callable[[Sequence[Scores]], list[float] | None]
) -> float | None:
    won = pairs = 0.0
    for task in tasks:
        rows = [row for row in task.rows if row.truth is not None]
        found = scores(rows)
        for right, own in zip(rows, found or (), strict=False):
            for wrong, other in zip(rows, found or (), strict=False):
                if (right.truth or 0.0) > (wrong.truth or 0.0):
                    pairs += 1
                    won += 0.5 if own == other or UNKNOWN in {own, other} else float(own > other)
    return won / pairs if pairs else None
