"""Best@K of a run, from its index: what choosing one of K attempts is worth, by every verifier that has looked at them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from r2egym.errors import UsageError
from r2egym.viewer.attempts import DamagedLineError, number_of, read_json
from r2egym.viewer.catalogue import OpenRun
from r2egym.viewer.charts import curves
from r2egym.viewer.palette import line_of
from r2egym.viewer.text import one_line

if TYPE_CHECKING:
    from r2egym.records import Scores
    from r2egym.verifiers import BestOfK

_SELECTORS = ("oracle", "hybrid", "execution", "execution-free", "random")
_TOLD = 10
"""Most rows of the table."""


@dataclass(frozen=True, slots=True)
class BestAtK:
    """What a run's page shows of it."""

    plot: Markup
    ks: tuple[int, ...]
    """Some, from the first to the last."""
    rows: tuple[tuple[str, tuple[float | None, ...]], ...]
    """Name, and the expectation from 0 to 1 at each of these K."""
    tasks: int
    """That count at K = 1."""


def best_of(run: OpenRun) -> BestOfK | None:
    """The curves; None where nothing can be chosen: no task has two attempts with a reward, or one has too many."""
    from r2egym.verifiers import TaskScores, best_of_k

    known = _scores(run)
    if max((sum(row.truth is not None for row in rows) for rows in known.values()), default=0) <= 1:
        return None
    tasks = [TaskScores(task, tuple(rows)) for task, rows in known.items()]
    others = sorted({name for rows in known.values() for row in rows for name in row.other})
    names = (*_SELECTORS, *(name for name in others if name not in _SELECTORS))
    try:
        return best_of_k(tasks, selectors=names, resamples=0)
    except UsageError:
        return None


def best_at_k(run: OpenRun) -> BestAtK | None:
    """What a run's page shows of its curves, if it has any."""
    found = best_of(run)
    if found is None:
        return None
    told = {name: curve.mean for name, curve in found.curves.items() if set(curve.mean) != {None}}
    places = sorted({round(n * (len(found.k) - 1) / (_TOLD - 1)) for n in range(_TOLD)})
    return BestAtK(
        plot=curves(found.k, told),
        ks=tuple(found.k[place] for place in places),
        rows=tuple(
            (line_of(name, 0)[0], tuple(mean[place] for place in places)) for name, mean in told.items()
        ),
        tasks=found.tasks[0],
    )


def _scores(run: OpenRun) -> dict[str, list[Scores]]:
    """What is known of every attempt, by task. Attempts of which the same is known share their record."""
    from r2egym.records import Scores

    said: dict[tuple[str, int], dict[str, Any]] = {}
    tasks: dict[str, list[Scores]] = defaultdict(list)
    shared: dict[tuple[int, float | None], Scores] = {}
    with run.index.reading() as database:
        for task, attempt, verifier, text in database.execute(
            "SELECT task, attempt, verifier, said FROM verdicts"
        ):
            fields = said.setdefault((task, attempt), {"other": {}})
            fields |= _fields(verifier, text, fields["other"])
        asked = "SELECT task, attempt, status, reward FROM attempts WHERE damage IS NULL ORDER BY task, attempt, id"
        for task, attempt, status, reward in database.execute(asked):
            key = (attempt, None if status == "masked" else reward)
            if fields := said.get((task, attempt), {}):
                tasks[task].append(Scores(attempt=attempt, truth=key[1], **fields))
                continue
            if key not in shared:
                shared[key] = Scores(attempt=attempt, truth=key[1])
            tasks[task].append(shared[key])
    return tasks


def _fields(verifier: str, text: str, other: dict[str, float | None]) -> dict[str, Any]:
    try:
        verdict = read_json(text.encode())
    except DamagedLineError:
        return {}
    score = number_of(verdict.get("score"))
    if verifier == "execution":
        return {"regression": number_of(verdict.get("regression")), "tests": number_of(verdict.get("tests"))}
    return (
        {"judge": score}
        if verifier == "execution-free"
        else {"other": {**other, one_line(verifier, 30): score}}
    )
