"""How many small faults of the gold patch its hidden tests notice: each mutant is graded like any other patch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from r2egym.curation.mutants import Mutant, mutants
from r2egym.grading import Grader
from r2egym.mining import Repository, parse_patch
from r2egym.records import Mutation, Reward, Task

MOST = 20
"""Mutants a task, where nobody says otherwise."""
_SHOWN = 20
_LEAST, _TIMES = 10.0, 5.0
"""Seconds that a mutant's run is given at least, and how many times gold's own: a fault may turn a loop into one without end."""


def mutation_of(
    task: Task, repository: Repository, grader: Grader, *, most: int = MOST, root: Path | None = None
) -> Mutation:
    """How much a task's tests notice.

    Args:
        task: a proved row.
        repository: its history.
        grader: grades gold once, to see how long it takes, and the mutants.
        most: mutants.
        root: the dataset's folder, when the row leads to files in it.
    """
    found = mutants_of(task, repository, most)
    gold = grader.grade(task, task.patch, root=root) if found else None
    hurried = grader.hurried(max(_LEAST, _TIMES * gold.duration)) if gold else grader
    return measure_mutation(found, lambda patch: hurried.grade(task, patch, root=root))


def mutants_of(task: Task, repository: Repository, most: int = MOST) -> list[Mutant]:
    """The mutants of a task's gold patch."""
    paths = [part.path for part in parse_patch(task.patch, max_bytes=1 << 30) if part.path.endswith(".py")]
    base = _texts(repository, task.base_commit, paths)
    return mutants(task.patch, base, _texts(repository, task.fix_commit, paths), most)


def measure_mutation(found: list[Mutant], grade: Callable[[str], Reward]) -> Mutation:
    """What the tests make of mutants.

    Args:
        found: the mutants.
        grade: the reward of a patch.
    """
    killed = unknown = 0
    survivors = []
    for mutant in found:
        reward = grade(mutant.patch)
        if reward.resolved is None:
            unknown += 1
        elif reward.resolved:
            survivors.append(mutant.name)
        else:
            killed += 1
    judged = killed + len(survivors)
    return Mutation(
        mutants=len(found),
        killed=killed,
        unknown=unknown,
        survivors=tuple(survivors[:_SHOWN]),
        score=round(killed / judged, 4) if judged else None,
    )


def _texts(repository: Repository, commit: str, paths: list[str]) -> dict[str, str]:
    """Files of a commit that are there, and UTF-8 with newlines as its only line ends."""
    found = {}
    for path in paths:
        data = repository.read(commit, path)
        if data is None or b"\r" in data or b"\f" in data:
            continue
        try:
            found[path] = data.decode()
        except UnicodeDecodeError:
            continue
    return found
