"""Best@K in closed form beside the published sampling, 1,000 subsets a K, on scores of the published size.

The sampling goes through the same selectors. It is timed on a few tasks and scaled up, since it would take minutes; both use
processor time of one run on this machine.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from r2egym.bench import BenchLine
from r2egym.errors import UsageError
from r2egym.records import Scores
from r2egym.settings import Settings
from r2egym.verifiers import CURVES, TaskScores, best_of_k, expectations, load_scores, sampled

_TASKS, _ATTEMPTS = 500, 26
_SAMPLES = 1_000
_SAMPLED = 2
"""Tasks that are sampled."""
_ROUNDS = 3
_SIGMAS = 5.0
_TINY = 1e-9


def run(settings: Settings, source: str = "") -> Iterator[BenchLine]:
    """Measure; every line comes as soon as it is known.

    Args:
        settings: not needed.
        source: predictions to measure on; by default made-up scores of the published size.

    Raises:
        UsageError: the predictions have no rewards.
        DatasetError: they are none.
    """
    del settings
    tasks = load_scores(source) if source else made_up(_TASKS, _ATTEMPTS)
    if not tasks or not tasks[0].rows:
        raise UsageError(f"{source}: no attempts in it")
    ours = min(_seconds(lambda: best_of_k(tasks)) for _ in range(_ROUNDS))
    few = tasks[:_SAMPLED]
    ks = range(1, len(few[0].rows) + 1)
    names = [name for name in CURVES if name != "oracle"]
    off, theirs = 0.0, 0.0
    for name in names:
        began = time.process_time()
        drawn = sampled(few, ks, name, samples=_SAMPLES)
        theirs += time.process_time() - began
        off = max(off, _furthest(few, ks, name, drawn))
    scaled = theirs * len(tasks) / len(few)
    note = f"1,000 samples a K, {len(few)} of {len(tasks)} tasks timed and scaled up; K = 1 to {ks[-1]}, all selectors"
    yield BenchLine.of("Best@K, exact, with intervals", ours * 1000, scaled * 1000, note=note)
    yield BenchLine.of(
        "Best@K, furthest the sampling is off", off, _SIGMAS, unit="of its standard errors",
        note=f"{len(few) * len(ks) * len(names)} values; more than the reference would be an error",
    )  # fmt: skip


def made_up(tasks: int, attempts: int, seed: int = 0) -> list[TaskScores]:
    """Scores that have something to do with the truth, of tasks that are easy and hard."""
    draw = random.Random(seed)  # noqa: S311 - a measurement
    out = []
    for number in range(tasks):
        ease = draw.random() ** 2
        rows = []
        for attempt in range(attempts):
            truth = float(draw.random() < ease)
            judge = min(1.0, max(0.0, draw.gauss(0.35 + 0.3 * truth, 0.25)))
            regression = float(draw.random() < 0.6 + 0.35 * truth)
            passed = draw.randint(0, 40) + 20 * truth
            rows.append(
                Scores(attempt=attempt, truth=truth, regression=regression, tests=passed, judge=judge)
            )
        out.append(TaskScores(f"task-{number}", tuple(rows)))
    return out


def _seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def _furthest(tasks: Sequence[TaskScores], ks: Sequence[int], name: str, drawn: NDArray[np.float64]) -> float:
    exactly = expectations(tasks, ks, name)
    error = np.sqrt(np.maximum(exactly * (1 - exactly), 1e-12) / _SAMPLES)
    sure = (exactly < _TINY) | (exactly > 1 - _TINY)
    return float(np.where(sure, np.abs(exactly - drawn) / _TINY, np.abs(exactly - drawn) / error).max())
