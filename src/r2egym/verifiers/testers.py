"""Having a model write the tests: several rollouts of the testing agent at every task, kept as a run of their own.

That run is resumed, journaled and read like any other; :func:`r2egym.verifiers.suite.read_tests` takes the tests out of it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from r2egym.environment import Facilities
from r2egym.rollouts import AgentSpec, Progress, Run, RunOptions
from r2egym.tasks import Dataset
from r2egym.verifiers.suite import TestFile, read_tests

FOLDER = "testing"
"""Under the run's folder."""


def write_tests(
    folder: Path,
    dataset: Dataset,
    spec: AgentSpec,
    options: RunOptions,
    facilities: Facilities,
    *,
    report: Callable[[Progress], None] | None = None,
) -> dict[str, tuple[TestFile, ...]]:
    """The tests that the testing agent writes; ``options.attempts`` rollouts a task.

    Raises:
        UsageError: the folder holds another run.
        DatasetError: no rollout wrote any.
    """
    tasks = [(task, dataset.root) for task in dataset]
    for _ in Run(folder, tasks, spec, options, facilities, source="generated tests", report=report):
        pass
    return read_tests(folder)
