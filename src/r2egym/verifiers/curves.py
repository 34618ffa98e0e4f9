"""Best@K and Pass@K of a set of tasks: every selector's curve, its interval, and the published sampling as a cross-check.

Masked attempts (no truth) are left out of numerator and denominator. A task counts at K when at least K of its attempts
have a truth; ``BestOfK.tasks`` tells how many do, so that a curve whose tasks change along K can be seen to.

The intervals are over tasks: a bootstrap draws tasks anew, the same draws for all selectors and all K. They say how much
another set of tasks like these would differ; what another K attempts at the same tasks would do is not in them.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from r2egym.errors import UsageError
from r2egym.records import Record, Scores
from r2egym.verifiers import exact
from r2egym.verifiers.scores import TaskScores
from r2egym.verifiers.selectors import NEEDS, UNKNOWN, selector

Floats: TypeAlias = NDArray[np.float64]
CURVES = ("oracle", "execution", "execution-free", "hybrid", "random")


class Curve(Record):
    """One selector's expectations."""

    selector: str
    mean: tuple[float | None, ...]
    """By K, from 0 to 1; None where nothing is known that the selector goes by, or no task has K attempts."""
    low: tuple[float | None, ...]
    """Lower end of the interval."""
    high: tuple[float | None, ...]


class BestOfK(Record):
    """The curves of a set of tasks."""

    k: tuple[int, ...]
    tasks: tuple[int, ...]
    """By K: how many tasks have so many attempts with a truth."""
    curves: dict[str, Curve]
    """By selector."""
    attempts: int
    masked: int
    """Attempts without a truth, left out."""
    confidence: float
    resamples: int


def best_of_k(
    tasks: Sequence[TaskScores],
    *,
    ks: Sequence[int] | None = None,
    selectors: Sequence[str] = CURVES,
    confidence: float = 0.95,
    resamples: int = 1_000,
    seed: int = 0,
) -> BestOfK:
    """The curves, exactly.

    Args:
        tasks: one entry a task.
        ks: sizes of subsets; None: 1 to the largest number of attempts that a task has.
        selectors: which; the name of any verifier is one.
        confidence: of the intervals.
        resamples: of the bootstrap; 0: no intervals.
        seed: of the bootstrap.

    Raises:
        UsageError: no attempt has a truth, or a K is below 1.
    """
    scored = [[row for row in task.rows if row.truth is not None] for task in tasks]
    most = max(map(len, scored), default=0)
    if not most:
        raise UsageError("no attempt has a reward, so there is no Best@K to tell")
    if most > exact.MOST:
        raise UsageError(f"{most} attempts at one task; Best@K takes at most {exact.MOST}")
    sizes = tuple(sorted(set(range(1, most + 1) if ks is None else ks)))
    if not sizes or sizes[0] < 1 or sizes[-1] > most:
        raise UsageError(f"K runs from 1 to {most} here, the most attempts that a task has")
    counts = np.array([sum(len(rows) >= k for rows in scored) for k in sizes])
    groups = _alike(scored)
    means = {
        name: _expectations(groups, len(tasks), sizes, name) for name in selectors if _known(scored, name)
    }
    curves = _curves(means, confidence, resamples, seed)
    unknown = (None,) * len(sizes)
    return BestOfK(
        k=sizes,
        tasks=tuple(counts.tolist()),
        curves={
            name: curves.get(name) or Curve(selector=name, mean=unknown, low=unknown, high=unknown)
            for name in selectors
        },
        attempts=sum(len(task.rows) for task in tasks),
        masked=sum(len(task.rows) for task in tasks) - sum(map(len, scored)),
        confidence=confidence,
        resamples=resamples,
    )


def expectations(tasks: Sequence[TaskScores], ks: Sequence[int], name: str) -> Floats:
    """A selector's expectation of every task (row) at every K (column), exactly; nan: fewer than K attempts."""
    scored = [[row for row in task.rows if row.truth is not None] for task in tasks]
    return _expectations(_alike(scored), len(tasks), ks, name)


def sampled(
    tasks: Sequence[TaskScores], ks: Sequence[int], name: str, *, samples: int = 1_000, seed: int = 0
) -> Floats:
    """The same by the published sampling: the mean over random K-subsets; shape and nan as in :func:`expectations`."""
    draw = random.Random(seed)  # noqa: S311 - a simulation
    choose = selector(name)
    found = np.full((len(tasks), len(ks)), np.nan)
    for number, task in enumerate(tasks):
        rows = [row for row in task.rows if row.truth is not None]
        for column, k in enumerate(ks):
            if k > len(rows):
                continue
            total = 0.0
            for _ in range(samples):
                subset = draw.sample(rows, k)
                total += subset[choose(subset, [draw.random() for _ in subset])].truth or 0.0
            found[number, column] = total / samples
    return found


def _known(scored: Sequence[Sequence[Scores]], name: str) -> bool:
    """Whether anything is known that a selector goes by."""
    fields = NEEDS.get(name)
    rows = [row for task in scored for row in task]
    if fields is None:
        return any(row.other.get(name) is not None for row in rows)
    return all(any(getattr(row, field) is not None for row in rows) for field in fields)


class _Alike:
    """The tasks that have one number of attempts with a truth, as arrays of shape (tasks, attempts)."""

    def __init__(self, scored: Sequence[Sequence[Scores]], numbers: Sequence[int]) -> None:
        self.numbers = list(numbers)
        self._tasks = [scored[number] for number in numbers]
        self.size = len(self._tasks[0])
        self.truth = self._column([[row.truth for row in task] for task in self._tasks])
        self._regression = self._column([[row.regression for row in task] for task in self._tasks])
        self._tests = self._column([[row.tests for row in task] for task in self._tasks])
        self._judge = self._column([[row.judge for row in task] for task in self._tasks])

    @staticmethod
    def _column(values: list[list[float | None]]) -> Floats:
        """Numbers, minus infinity where there is none."""
        found = np.array(values, dtype=np.float64)
        found[np.isnan(found)] = UNKNOWN
        return found

    def at(self, ks: Sequence[int], name: str) -> Floats:
        """A selector's expectations; shape (tasks, len(ks))."""
        if name == "execution":
            return exact.execution(self.truth, self._regression, self._tests, ks)
        if name == "hybrid":
            judge, regression, tests = map(exact.levels, (self._judge, self._regression, self._tests))
            keys = (regression * self.size + tests) * self.size + judge
            return exact.hybrid(self.truth, judge, keys, ks)
        if name == "random":
            scores = np.zeros_like(self.truth)
        elif name == "oracle":
            scores = self.truth
        elif name == "execution-free":
            scores = self._judge
        else:
            scores = self._column([[row.other.get(name) for row in task] for task in self._tasks])
        return exact.highest(self.truth, exact.levels(scores), ks)


def _alike(scored: Sequence[Sequence[Scores]]) -> list[_Alike]:
    by_size = defaultdict(list)
    for number, rows in enumerate(scored):
        by_size[len(rows)].append(number)
    return [_Alike(scored, numbers) for size, numbers in by_size.items() if size]


def _expectations(groups: Sequence[_Alike], tasks: int, ks: Sequence[int], name: str) -> Floats:
    found = np.full((tasks, len(ks)), np.nan)
    for group in groups:
        possible = [column for column, k in enumerate(ks) if k <= group.size]
        if possible:
            found[np.ix_(group.numbers, possible)] = group.at([ks[column] for column in possible], name)
    return found


def _curves(means: Mapping[str, Floats], confidence: float, resamples: int, seed: int) -> dict[str, Curve]:
    """Means over tasks, and a bootstrap's intervals, from expectations by task and K."""
    if not means:
        return {}
    stacked = np.stack(list(means.values()))  # selectors, tasks, K
    there = ~np.isnan(stacked[0])  # whether a task has K attempts is the same for all
    filled = np.where(there, stacked, 0.0)
    mean = _ratio(filled.sum(axis=1), there.sum(axis=0))
    tasks = there.shape[0]
    chance = np.full(tasks, 1.0 / tasks)
    draws = np.random.default_rng(seed).multinomial(tasks, chance, size=resamples).astype(np.float64)
    total = np.tensordot(draws, filled, axes=(1, 1))  # resamples, selectors, K
    again = _ratio(total, (draws @ there)[:, None, :])
    again.sort(axis=0)  # a resample in which no task has K attempts is nan, and comes last
    drawn = (~np.isnan(again)).sum(axis=0)
    tail = (1 - confidence) / 2
    low, high = (_at_rank(again, drawn, share) for share in (tail, 1 - tail))
    return {
        name: Curve(selector=name, mean=_told(mean[row]), low=_told(low[row]), high=_told(high[row]))
        for row, name in enumerate(means)
    }


def _at_rank(ordered: Floats, count: NDArray[np.int64], share: float) -> Floats:
    """The value, of each column, below which a share of its first ``count`` values lies; nan where there is none."""
    if not len(ordered):
        return np.full(count.shape, np.nan)
    place = np.clip(np.ceil(share * count).astype(np.int64) - 1, 0, np.maximum(count - 1, 0))
    found: Floats = np.take_along_axis(ordered, place[None], axis=0)[0]
    return found


def _ratio(total: Floats, count: NDArray[Any]) -> Floats:
    shape = np.broadcast_shapes(total.shape, count.shape)
    found = np.full(shape, np.nan)
    np.divide(total, count, out=found, where=np.broadcast_to(count, shape) != 0)
    return found


def _told(values: Floats) -> tuple[float | None, ...]:
    return tuple(None if np.isnan(value) else min(1.0, max(0.0, value)) for value in values.tolist())
