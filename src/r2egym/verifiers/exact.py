"""Best@K in closed form: the expectation of a selector over all K-subsets of a task's N attempts, without drawing any.

A selector that takes the highest key wins with a class of equal keys when the subset has a member of it and none above:
of the C(N, K) subsets, C(m, K) - C(m - c, K) do, where m attempts are not above the class and c are in it. So the
expectation is a sum of a(m) C(m, K) / C(N, K) with coefficients a(m) that do not depend on K, and all K of all tasks are one
matrix product. s_EB, whose zero ties the losers of the regression stage with winners that pass no test, has that form too.

The hybrid's subsets are counted by the last attempt that makes it into the top n: everything before it in the order of
s_EF has either been drawn, and then it is in the top n, or not. Equal s_EF at the border are settled by lot, so that each
subset of the tied is as likely as another. :mod:`r2egym.verifiers.selectors` says what is computed; tests enumerate it.

Limits: at most :data:`MOST` attempts a task, past which C(N, K) leaves the range of floats.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from r2egym.verifiers.selectors import top_size

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]

MOST = 1_000
_CELLS = 1 << 16
"""Numbers of one intermediate array of the hybrid, so that it stays in the processor's cache."""


def binomials(most: int) -> Floats:
    """C(m, k) for 0 <= m, k <= most; shape (most + 1, most + 1)."""
    table = np.zeros((most + 1, most + 1))
    table[:, 0] = 1.0
    for row in range(1, most + 1):
        table[row, 1:] = table[row - 1, 1:] + table[row - 1, :-1]
    return table


def highest(truth: Floats, keys: Ints, ks: Sequence[int]) -> Floats:
    """Expectations of the selector that takes the highest key.

    Args:
        truth: shape (tasks, N).
        keys: to be compared within a task; shape (tasks, N).
        ks: sizes of subsets, each at most N.

    Returns:
        Shape (tasks, len(ks)).
    """
    below = (keys[:, None, :] < keys[:, :, None]).sum(axis=2)
    equal = (keys[:, None, :] == keys[:, :, None]).sum(axis=2)
    weight = truth / equal
    coefficients = np.zeros((truth.shape[0], truth.shape[1] + 1))
    rows = np.arange(truth.shape[0])[:, None]
    np.add.at(coefficients, (rows, below + equal), weight)
    np.add.at(coefficients, (rows, below), -weight)
    return coefficients @ _shares(truth.shape[1], ks)


def levels(scores: Floats) -> Ints:
    """How many different scores of the task are less, for each; shape as given."""
    order = np.argsort(scores, axis=1)
    ordered = np.take_along_axis(scores, order, 1)
    found = np.zeros(scores.shape, dtype=np.int64)
    steps = np.cumsum(ordered[:, 1:] != ordered[:, :-1], axis=1)
    np.put_along_axis(found, order[:, 1:], steps, 1)
    return found


def execution(truth: Floats, regression: Floats, tests: Floats, ks: Sequence[int]) -> Floats:
    """Expectations of the choice by s_EB; unknown scores are minus infinity. Shapes as in :func:`highest`."""
    coefficients = np.stack(
        [_execution(*task) for task in zip(truth.tolist(), regression.tolist(), tests.tolist(), strict=True)]
    )
    return coefficients @ _shares(truth.shape[1], ks)


def _execution(truth: list[float], regression: list[float], tests: list[float]) -> Floats:
    """Coefficients of one task.

    With r the highest regression score drawn: ``lower`` have less, ``blind`` have r and no known tests' score, ``known``
    have r and one. A class of equal scores wins when it is drawn and nothing above it is.
    """
    a = np.zeros(len(truth) + 1)
    for highest_drawn in sorted(set(regression)):
        lower = [t for t, r in zip(truth, regression, strict=True) if r < highest_drawn]
        group = [(s, t) for t, r, s in zip(truth, regression, tests, strict=True) if r == highest_drawn]
        blind = [t for s, t in group if s == -np.inf]
        known = sorted((s, t) for s, t in group if s != -np.inf)
        n_lower, n_blind = len(lower), len(blind)
        if blind:  # no known one drawn: those of the highest regression score win
            _add(a, _mean(blind), n_lower + n_blind, n_lower)
        below = 0
        for score in sorted({s for s, _ in known} | {0.0}) if known else ():
            here = [t for s, t in known if s == score]
            upto = below + len(here)
            if score == 0.0:
                _add(a, _mean(here + lower), n_lower + upto + n_blind, below + n_blind)
                _add(a, -_mean(lower), n_lower + n_blind, n_blind)
            elif score > 0.0:
                _add(a, _mean(here), n_lower + upto + n_blind, n_lower + below + n_blind)
            else:
                _add(a, _mean(here), upto + n_blind, below + n_blind)
            below = upto
    return a


def _add(a: Floats, weight: float, more: int, fewer: int) -> None:
    a[more] += weight
    a[fewer] -= weight


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _shares(size: int, ks: Sequence[int]) -> Floats:
    """C(m, K) / C(size, K); shape (size + 1, len(ks))."""
    table = binomials(size)[:, list(ks)]
    shares: Floats = table / table[-1]
    return shares


def hybrid(truth: Floats, judge: Ints, keys: Ints, ks: Sequence[int]) -> Floats:
    """Expectations of the hybrid.

    Args:
        truth: shape (tasks, N).
        judge: s_EF as levels, likewise.
        keys: levels of (RS, TS, s_EF), likewise; equal keys mean equal s_EF.
        ks: sizes of subsets, each at most N.

    Returns:
        Shape (tasks, len(ks)).
    """
    size = truth.shape[1]
    step = max(1, _CELLS // (size * size))
    parts = [
        _Hybrid(truth[start : start + step], judge[start : start + step], keys[start : start + step]).at(ks)
        for start in range(0, len(truth), step)
    ]
    return np.concatenate(parts)


class _Hybrid:
    """Some tasks of one size.

    A *slot* is one place in the order of s_EF: place w (from 1) of a group of equal scores that begins after ``before``
    attempts. The slot stands for the top n that end within this group with w members of it.
    """

    def __init__(self, truth: Floats, judge: Ints, keys: Ints) -> None:
        order = np.argsort(-judge, axis=1, kind="stable")
        truth = np.take_along_axis(truth, order, 1)
        judge, keys = np.take_along_axis(judge, order, 1), np.take_along_axis(keys, order, 1)
        self._size = size = truth.shape[1]
        # C(m, k) at m * width + size + k, so that a negative k finds a 0
        self._width = 2 * size + 1
        self._table = np.concatenate([np.zeros((size + 1, size)), binomials(size)], axis=1).ravel()
        before = (judge[:, None, :] > judge[:, :, None]).sum(axis=2)
        group = (judge[:, None, :] == judge[:, :, None]).sum(axis=2)
        place = np.arange(size)[None, :] - before + 1
        self._weight = truth / (keys[:, :, None] == keys[:, None, :]).sum(axis=2)
        # By attempt i and slot j: how many before j's group are not above i (or are below it), as a place in the table
        # for n = 0; and the ways to have w of those in the group.
        self._beaten = []
        tasks = np.arange(len(truth))[:, None]
        for beaten in (keys[:, None, :] <= keys[:, :, None], keys[:, None, :] < keys[:, :, None]):
            upto = np.zeros((len(truth), size, size + 1), dtype=np.int64)
            np.cumsum(beaten, axis=2, out=upto[:, :, 1:])
            first = upto[tasks, :, before].transpose(0, 2, 1)
            within = upto[tasks, :, before + group].transpose(0, 2, 1) - first
            found = self._at(first, -place[:, None, :])
            self._beaten.append((found, self._choose(within, place[:, None, :])))
        # By slot: places for the attempts after the group at k - n = 0, and, by how many more of the group are drawn and
        # lose the lot, the ways to draw these over the ways that the lot can fall.
        self._after = self._at(size - before - group, np.zeros_like(place))
        self._lost = [
            self._choose(group - place, extra) / self._choose(np.minimum(place + extra, size), place)
            for extra in range(int((group - place).max()) + 1)
        ]

    def at(self, ks: Sequence[int]) -> Floats:
        """Expectations; shape (tasks, len(ks))."""
        tops: dict[int, Floats] = {}
        out = []
        for k in ks:
            n = min(top_size(k), k)
            if n not in tops:
                tops[n] = self._wins(n)
            subsets = (tops[n] * self._ways(k - n)).sum(axis=1)
            out.append(subsets / self._table[self._at(self._size, k)])
        return np.stack(out, axis=1)

    def _wins(self, n: int) -> Floats:
        """Truth of the winner, added up over all top n that a slot stands for; shape (tasks, slots)."""
        (upto, upto_within), (below, below_within) = self._beaten
        ways = self._table[upto + n] * upto_within
        ways -= self._table[below + n] * below_within
        wins: Floats = np.einsum("ti,tij->tj", self._weight, ways)
        return wins

    def _ways(self, others: int) -> Floats:
        """Ways to draw what is not in the top n, ``others`` attempts, those of one lot in so many; shape (tasks, slots)."""
        ways = np.zeros(self._after.shape)
        for extra, lost in enumerate(self._lost[: others + 1]):
            ways += lost * self._table[self._after + (others - extra)]
        return ways

    def _at(self, m: Any, k: Any) -> Any:
        return m * self._width + self._size + k

    def _choose(self, m: Ints, k: Any) -> Floats:
        """C(m, k)."""
        found: Floats = self._table[self._at(m, k)]
        return found
