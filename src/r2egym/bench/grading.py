"""What a reward costs: gold and the empty patch graded, without and with a sealed run, beside their tests run plainly.

Environments, trees and compiled tests are there before the clock starts, as they are for all but the first patch of a task.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from r2egym.bench import BenchLine
from r2egym.bench._bundled import make_dataset
from r2egym.building import Builder
from r2egym.curation import Options
from r2egym.curation.workshop import Workshop
from r2egym.errors import UsageError
from r2egym.grading import Grader
from r2egym.records import Task
from r2egym.sandboxes import open_backend
from r2egym.sandboxes.base import Backend
from r2egym.settings import Settings
from r2egym.tasks import Dataset, load_dataset

_LIMIT = 8
_ROUNDS = 3
"""Of each way in turn; the fastest counts."""
_MOST = 40


def run(settings: Settings, source: str = "", *, limit: int = _LIMIT) -> Iterator[BenchLine]:
    """Measure; one patch at a time.

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
            raise UsageError(f"{source or 'the bundled repository'}: no task to grade")
        backend = open_backend("bubblewrap", settings.home)
        with Builder(settings.home, backend=backend) as builder:
            yield from _Bench(dataset, builder, backend, settings.home).lines()


class _Bench:
    """The measurements on one dataset."""

    def __init__(self, dataset: Dataset, builder: Builder, backend: Backend, home: Path) -> None:
        self._root, self._tasks = dataset.root, dataset.tasks[:_MOST]
        self._builder, self._backend, self._home = builder, backend, home

    def lines(self) -> Iterator[BenchLine]:
        """Gold, then the empty patch."""
        totals: dict[tuple[str, str], float] = {}
        right = graded = 0
        for task in self._tasks:
            for (name, way), work in self._ways(task):
                best = float("inf")
                for _ in range(_ROUNDS):
                    began = time.perf_counter()
                    held = work()
                    best = min(best, time.perf_counter() - began)
                    graded, right = graded + 1, right + held
                totals[name, way] = totals.get((name, way), 0.0) + best
        for name in ("gold", "empty"):
            plain = totals[name, "plain"] * 1000 / len(self._tasks)
            note = f"its tests run plainly; {len(self._tasks)} tasks, one at a time"
            for way, label in (("graded", f"{name}, graded"), ("sealed", f"{name}, graded and sealed")):
                ours = totals[name, way] * 1000 / len(self._tasks)
                yield BenchLine.of(label, ours, plain, note=note)
        yield BenchLine.of("runs that end as they must", right, graded, unit="runs", note="gold 1, empty 0")

    def _ways(self, task: Task) -> Iterator[tuple[tuple[str, str], Callable[[], bool]]]:
        """What is timed for one task: (patch, way) → the work, which tells whether it ended as it must."""
        grader = Grader(self._builder, self._backend)
        grader.seal(task, root=self._root)
        built = self._builder.for_task(task, self._root)
        shop = Workshop(built.repository, self._builder, self._backend, grader, Options(), self._home / "tmp")
        hidden = task.hidden_tests
        for name, patch, commit, wanted in (
            ("gold", task.patch, task.fix_commit, 1.0),
            ("empty", "", task.base_commit, 0.0),
        ):
            tree = shop.side(commit, task.tests_commit or task.fix_commit, hidden)

            def plainly(tree: Path = tree, wanted: float = wanted) -> bool:
                ran = shop.run(built, tree, hidden, 0)
                return all(ran.statuses.get(test) == "PASSED" for test in task.fail_to_pass) == bool(wanted)

            def grade(with_: Grader, patch: str = patch, wanted: float = wanted) -> bool:
                return with_.grade(task, patch, root=self._root).score == wanted

            yield (name, "plain"), plainly
            yield (name, "graded"), partial(grade, grader)
            yield (name, "sealed"), partial(grade, grader.sealing())
