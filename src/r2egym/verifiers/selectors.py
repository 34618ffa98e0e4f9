"""Choosing one attempt of several: what every selector does, written down once.

A selector is a pure function from the scores of a subset, and a *lot* for each attempt, to the place of the one it chooses.
Lots are distinct numbers drawn at random: whatever is tied, at any stage, is settled by the smallest lot. Best@K is the
expectation of the chosen attempt's truth over random subsets and random lots, so that ties average the truth; the closed
forms, the sampling and the enumeration of tests all mean this function.

An unknown score is below every known one, and unknown ones are tied.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence

from r2egym.records import Scores, content_hash

Lots = Sequence[float]
Selector = Callable[[Sequence[Scores], Lots], int]

UNKNOWN = -math.inf


def level(score: float | None) -> float:
    """A score as a number to compare; unknown is below all."""
    return UNKNOWN if score is None else score


def top_size(k: int) -> int:
    """How many attempts of K the hybrid keeps by their judge's score."""
    return max(3, k // 2)


def at_random(rows: Sequence[Scores], lots: Lots) -> int:
    """Any."""
    return min(range(len(rows)), key=lots.__getitem__)


def oracle(rows: Sequence[Scores], lots: Lots) -> int:
    """The best there is, as if truth were known: its expectation is Pass@K."""
    return _best([(level(row.truth),) for row in rows], lots)


def execution_free(rows: Sequence[Scores], lots: Lots) -> int:
    """Highest s_EF."""
    return _best([(level(row.judge),) for row in rows], lots)


def execution(rows: Sequence[Scores], lots: Lots) -> int:
    """Highest s_EB: the tests' score where the regression score is the highest of these attempts, else 0.

    Where no attempt of the highest regression score has a known tests' score, those attempts are tied above all others.
    """
    return _best([(score,) for score in execution_scores(rows)], lots)


def execution_scores(rows: Sequence[Scores]) -> list[float]:
    """s_EB of each attempt among these; minus infinity: unknown."""
    highest = max(level(row.regression) for row in rows)
    at_top = [level(row.regression) == highest for row in rows]
    if all(row.tests is None for row, top in zip(rows, at_top, strict=True) if top):
        return [0.0 if top else UNKNOWN for top in at_top]
    return [level(row.tests) if top else 0.0 for row, top in zip(rows, at_top, strict=True)]


def hybrid(rows: Sequence[Scores], lots: Lots) -> int:
    """Of the top n by s_EF, n = max(3, K // 2): highest RS, then TS, then s_EF. Lots settle who is in the top n, too."""
    order = sorted(range(len(rows)), key=lambda place: (-level(rows[place].judge), lots[place]))
    kept = order[: top_size(len(rows))]
    return min(
        kept,
        key=lambda place: (
            -level(rows[place].regression),
            -level(rows[place].tests),
            -level(rows[place].judge),
            lots[place],
        ),
    )


SELECTORS: dict[str, Selector] = {
    "execution": execution,
    "execution-free": execution_free,
    "hybrid": hybrid,
    "random": at_random,
    "oracle": oracle,
}
"""By the names that commands know. Another name is that of a verifier, whose highest score wins (:func:`by_score`)."""

NEEDS: dict[str, tuple[str, ...]] = {
    "execution": ("regression",),
    "execution-free": ("judge",),
    "hybrid": ("judge", "regression"),
    "random": (),
    "oracle": ("truth",),
}
"""Fields of Scores that a selector is nothing without."""


def by_score(verifier: str) -> Selector:
    """The selector that takes the highest score of a verifier."""

    def highest(rows: Sequence[Scores], lots: Lots) -> int:
        return _best([(level(row.other.get(verifier)),) for row in rows], lots)

    return highest


def selector(name: str) -> Selector:
    """The selector of a name."""
    return SELECTORS.get(name) or by_score(name)


def lots_for(seed: int, name: str, count: int) -> list[float]:
    """Lots of one task's attempts: they depend on the seed and the task's name alone."""
    draw = random.Random(content_hash([seed, name]))  # noqa: S311 - ties, not secrets
    return [draw.random() for _ in range(count)]


def _best(keys: Sequence[tuple[float, ...]], lots: Lots) -> int:
    return min(range(len(keys)), key=lambda place: (*(-part for part in keys[place]), lots[place]))
