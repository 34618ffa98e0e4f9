"""Best@K in closed form, beside enumeration and beside the published sampling."""

import itertools
import math
import random
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from r2egym.errors import UsageError
from r2egym.records import Scores
from r2egym.verifiers import CURVES, TaskScores, best_of_k, expectations, sampled
from r2egym.verifiers.selectors import SELECTORS, hybrid, selector, top_size

SOME = st.sampled_from([None, 0.0, 0.25, 0.5, 1.0])
SIGNED = st.sampled_from([None, -1.0, 0.0, 1.0, 2.0])
TRUTH = st.sampled_from([0.0, 1.0, 1.0, 0.5])


@st.composite
def rows(draw, most: int = 4):
    """Attempts at one task with many ties, unknown scores, and scores below 0."""
    count = draw(st.integers(1, most))
    return [
        Scores(attempt=n, truth=draw(TRUTH), regression=draw(SOME), tests=draw(SIGNED), judge=draw(SOME),
               other={"mine": draw(SOME)})
        for n in range(count)
    ]  # fmt: skip


def enumerated(some: list[Scores], k: int, name: str) -> float:
    """Every subset, every order of lots: what the expectation is by its definition."""
    choose = selector(name)
    values = []
    for subset in itertools.combinations(some, k):
        values += [subset[choose(subset, lots)].truth for lots in itertools.permutations(range(k))]
    return math.fsum(values) / len(values)


@settings(max_examples=60, deadline=None)
@given(rows())
def test_closed_forms_are_what_enumeration_says(some: list[Scores]):
    """Every selector, every K, on small cases with ties, unknown and negative scores."""
    ks = range(1, len(some) + 1)
    for name in (*SELECTORS, "mine"):
        found = expectations([TaskScores("t", tuple(some))], ks, name)[0]
        assert found == pytest.approx([enumerated(some, k, name) for k in ks], abs=1e-12), name


@settings(max_examples=25, deadline=None)
@given(st.integers(7, 8), st.randoms(use_true_random=False))
def test_the_border_of_the_top_n(count: int, draw: random.Random):
    """K of 7 and 8, where attempts tied in s_EF are on both sides of the top n: every subset of the tied is as likely."""
    some = [
        Scores(
            attempt=n,
            truth=draw.choice([0.0, 1.0]),
            regression=draw.choice([1.0, 2.0]),
            tests=draw.choice([None, 0.0, 1.0]),
            judge=draw.choice([None, 0.2, 0.2, 0.9]),
        )
        for n in range(count)
    ]

    def value(subset: tuple[Scores, ...]) -> float:
        n = top_size(len(subset))
        level = [-1.0 if row.judge is None else row.judge for row in subset]
        border = sorted(level, reverse=True)[n - 1]
        sure = [row for row, at in zip(subset, level, strict=True) if at > border]
        tied = [row for row, at in zip(subset, level, strict=True) if at == border]
        chosen = []
        for some_tied in itertools.combinations(tied, n - len(sure)):
            kept = [*sure, *some_tied]
            keys = [
                tuple(-1.0 if part is None else part for part in (r.regression, r.tests, r.judge))
                for r in kept
            ]
            winners = [row.truth for row, key in zip(kept, keys, strict=True) if key == max(keys)]
            chosen.append(math.fsum(winners) / len(winners))
        return math.fsum(chosen) / len(chosen)

    ks = (count - 1, count)
    expected = []
    for k in ks:
        values = [value(subset) for subset in itertools.combinations(some, k)]
        expected.append(math.fsum(values) / len(values))
    assert expectations([TaskScores("t", tuple(some))], ks, "hybrid")[0] == pytest.approx(expected, abs=1e-12)


def synthetic(tasks: int, attempts: int, seed: int = 0, *, ties: bool = True) -> list[TaskScores]:
    """Tasks of different difficulty whose scores have something to do with the truth."""
    draw = random.Random(seed)
    out = []
    for number in range(tasks):
        ease = draw.random() ** 2
        some = []
        for attempt in range(attempts):
            truth = float(draw.random() < ease)
            judge = min(1.0, max(0.0, draw.gauss(0.35 + 0.3 * truth, 0.25)))
            some.append(
                Scores(
                    attempt=attempt,
                    truth=truth,
                    regression=float(draw.random() < 0.6 + 0.35 * truth),
                    tests=draw.randint(0, 4) + 3 * truth,
                    judge=round(judge, 1) if ties else judge,
                )
            )
        out.append(TaskScores(f"task-{number}", tuple(some)))
    return out


@pytest.mark.parametrize("ties", [True, False])
def test_the_published_sampling_agrees(*, ties: bool):
    """1,000 samples a K come to the exact value within their own error, for every selector."""
    tasks = synthetic(3, 26, seed=5, ties=ties)
    ks, samples = (1, 9, 26), 1_000
    for name in CURVES:
        exactly = expectations(tasks, ks, name)
        drawn = sampled(tasks, ks, name, samples=samples, seed=3)
        error = np.sqrt(np.maximum(exactly * (1 - exactly), 0) / samples)
        assert (np.abs(exactly - drawn) <= 5 * error + 1e-9).all(), name
        mean_error = np.sqrt((error**2).sum(axis=0)) / len(tasks)
        assert (np.abs((exactly - drawn).mean(axis=0)) <= 4 * mean_error + 1e-9).all(), name


def test_pass_at_k_is_the_known_formula():
    """The oracle's curve is 1 - C(wrong, K) / C(N, K); the random one is flat."""
    rows_ = tuple(Scores(attempt=n, truth=float(n < 3)) for n in range(10))
    found = best_of_k([TaskScores("t", rows_)])
    assert found.curves["oracle"].mean == pytest.approx(
        [1 - math.comb(7, k) / math.comb(10, k) for k in range(1, 11)]
    )
    assert found.curves["random"].mean == pytest.approx([0.3] * 10)


def test_what_is_not_known_has_no_curve():
    """Without a single judge's score there is no execution-free curve and no hybrid, rather than a guess."""
    rows_ = tuple(Scores(attempt=n, truth=1.0, regression=1.0) for n in range(3))
    found = best_of_k([TaskScores("t", rows_)])
    assert found.curves["execution"].mean == (1.0, 1.0, 1.0)
    for name in ("execution-free", "hybrid"):
        assert found.curves[name].mean == (None, None, None)
        assert found.curves[name].low == (None, None, None)


def test_an_unknown_score_never_beats_a_known_one():
    """Unknown is not 0.5: with one attempt known at 0.1, that one is chosen."""
    rows_ = (
        Scores(attempt=0, truth=0.0),
        Scores(attempt=1, truth=1.0, judge=0.1),
        Scores(attempt=2, truth=0.0),
    )
    assert best_of_k([TaskScores("t", rows_)]).curves["execution-free"].mean[-1] == 1.0


def test_masked_attempts_are_left_out():
    """Of a task with two attempts and a masked one, the masked counts nowhere; at K = 3 only the other task is left."""
    short = TaskScores("a", (Scores(truth=0.0), Scores(truth=None, judge=1.0), Scores(truth=0.0)))
    whole = TaskScores("b", (Scores(truth=1.0), Scores(truth=1.0), Scores(truth=1.0)))
    found = best_of_k([short, whole])
    assert found.tasks == (2, 2, 1)
    assert found.curves["oracle"].mean == (0.5, 0.5, 1.0)
    assert (found.attempts, found.masked) == (6, 1)


def test_intervals_cover_and_can_be_had_again():
    """The interval holds the mean, is as wide as the normal one, and is the same for the same seed."""
    tasks = synthetic(300, 8, seed=1)
    first, again, other = (best_of_k(tasks, seed=seed) for seed in (1, 1, 2))
    assert first == again
    assert first.curves["hybrid"].low != other.curves["hybrid"].low
    values = expectations(tasks, first.k, "hybrid")
    half = 1.96 * values.std(axis=0) / math.sqrt(len(tasks))
    curve = first.curves["hybrid"]
    for mean, low, high, normal in zip(curve.mean, curve.low, curve.high, half, strict=True):
        assert low < mean < high
        assert (high - low) / 2 == pytest.approx(normal, rel=0.15)


def test_many_attempts_stay_exact():
    """Two hundred attempts, where C(N, K) has sixty digits: the closed form still adds up to Pass@K's."""
    rows_ = tuple(
        Scores(attempt=n, truth=float(n % 3 == 0), judge=n / 200, regression=1.0) for n in range(200)
    )
    found = best_of_k([TaskScores("t", rows_)], ks=(1, 2, 100, 200), resamples=0)
    wrong = sum(row.truth == 0 for row in rows_)
    for k, value in zip(found.k, found.curves["oracle"].mean, strict=True):
        assert value == pytest.approx(1 - math.comb(wrong, k) / math.comb(200, k), abs=1e-9)
    assert found.curves["hybrid"].mean[-1] == rows_[hybrid(rows_, range(200))].truth


def test_the_published_size_is_quick():
    """500 tasks of 26 attempts, all K, all selectors, intervals included: well under what a person waits for."""
    tasks = synthetic(500, 26)
    began = time.process_time()
    best_of_k(tasks)
    assert time.process_time() - began < 60  # sampling takes half an hour


def test_nonsense_is_one_line():
    """No truth at all, or a K that nobody has."""
    with pytest.raises(UsageError, match="no attempt has a reward"):
        best_of_k([TaskScores("t", (Scores(),))])
    with pytest.raises(UsageError, match="K runs from 1 to 2"):
        best_of_k([TaskScores("t", (Scores(truth=1.0), Scores(truth=0.0)))], ks=(3,))
