"""Proofs (gold scores 1, empty scores 0) beside the same tests run plainly on both sides, with the same sandboxes.

What the tests themselves take is in both; the ratio is what compiled tests, twins and a fresh assembly of the patched tree
cost. Every layer is built before the clock starts.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from r2egym.bench import BenchLine
from r2egym.bench._bundled import make_dataset
from r2egym.building import Builder
from r2egym.curation import Options
from r2egym.curation.workshop import Workshop
from r2egym.errors import UsageError
from r2egym.grading import Grader
from r2egym.jobs import Threads
from r2egym.records import Task
from r2egym.sandboxes import open_backend
from r2egym.sandboxes.base import Backend
from r2egym.settings import Settings
from r2egym.tasks import Dataset, load_dataset

_LIMIT = 8
"""Candidates of the bundled repository that become the dataset, where none is named."""
_ROUNDS = 2
"""Of each way in turn; the faster counts."""
_MOST = 40
"""Tasks of a dataset that are proved."""
_WANTED = {"gold": 1.0, "empty": 0.0}


def run(settings: Settings, source: str = "", *, limit: int = _LIMIT) -> Iterator[BenchLine]:
    """Measure; every line comes as soon as it is known.

    Args:
        settings: where layers are kept.
        source: a dataset's folder; by default one is made of the bundled repository.
        limit: candidates of the bundled repository.

    Raises:
        UsageError: the dataset has no task.
        DatasetError: it is none.
    """
    with tempfile.TemporaryDirectory(prefix="r2egym-bench-") as folder:
        if not source:
            make_dataset(Path(folder) / "tasks", settings, limit)
        dataset = load_dataset(source or Path(folder) / "tasks")
        if not len(dataset):
            raise UsageError(f"{source or 'the bundled repository'}: no task to prove")
        backend = open_backend("bubblewrap", settings.home)
        with Builder(settings.home, backend=backend) as builder:
            yield from _Bench(dataset, builder, backend, settings.home).lines()


class _Bench:
    """The measurements on one dataset."""

    def __init__(self, dataset: Dataset, builder: Builder, backend: Backend, home: Path) -> None:
        self._root = dataset.root
        self._tasks = dataset.tasks[:_MOST]
        self._builder = builder
        self._backend = backend
        self._home = home
        self._grader = Grader(builder, backend)

    def lines(self) -> Iterator[BenchLine]:
        """Both ways, one after the other."""
        sides = {task.instance_id: self._sides(task) for task in self._tasks}  # layers are made here

        def prove(case: tuple[Task, str]) -> bool:
            task, name = case
            reward = self._grader.grade(task, task.patch if name == "gold" else "", root=self._root)
            return reward.score == _WANTED[name]

        def plainly(case: tuple[Task, str]) -> bool:
            task, name = case
            shop, trees = sides[task.instance_id]
            built = self._builder.for_task(task, self._root)
            ran = shop.run(built, trees[name], task.hidden_tests, 0)
            passed = all(ran.statuses.get(test) == "PASSED" for test in task.fail_to_pass)
            return passed == (name == "gold")

        plain = ours = float("inf")
        held = total = 2 * len(self._tasks)
        for _ in range(_ROUNDS):
            plain = min(plain, self._spread(plainly)[0])
            self._grader = Grader(self._builder, self._backend)  # it remembers what it compiled
            seconds, right = self._spread(prove)
            ours, held = min(ours, seconds), min(held, right)
        note = f"the same tests run plainly; {len(self._tasks)} tasks on {_cores()} cores"
        yield BenchLine.of(
            "proofs a minute", total * 60 / ours, total * 60 / plain, unit="a minute", note=note
        )
        yield BenchLine.of("a proof", ours * 1000 / total, plain * 1000 / total, note=note)
        yield BenchLine.of("proofs that hold", held, total, unit="proofs", note="gold 1, empty 0")

    def _sides(self, task: Task) -> tuple[Workshop, dict[str, Path]]:
        built = self._builder.for_task(task, self._root)
        shop = Workshop(
            built.repository, self._builder, self._backend, Grader(self._builder, self._backend), Options(),
            self._home / "tmp",
        )  # fmt: skip
        hidden = task.hidden_tests
        gold = shop.side(task.fix_commit, task.fix_commit, hidden)
        return shop, {"gold": gold, "empty": shop.side(task.base_commit, task.fix_commit, hidden)}

    def _spread(self, work: Callable[[tuple[Task, str]], bool]) -> tuple[float, int]:
        """Seconds for both sides of every task, and how many were as they should be."""
        cases = [(task, name) for task in self._tasks for name in _WANTED]
        began = time.perf_counter()
        held = sum(Threads(_cores()).map(work, cases))
        return time.perf_counter() - began, held


def _cores() -> int:
    return len(os.sched_getaffinity(0))
