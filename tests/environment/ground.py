"""A task with a work tree, a past and a grader, without building anything: the interpreter that runs these tests serves."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.grading.workbench import FixedBuilder, Workbench
from tests.testing.sandboxed import running_venv

from r2egym.building import Built
from r2egym.building.history import Histories
from r2egym.environment import Facilities
from r2egym.grading import GradeOptions
from r2egym.mining import Repository
from r2egym.records import Task
from r2egym.sandboxes import open_backend
from r2egym.sandboxes.base import Backend


class WorkingBuilder(FixedBuilder):
    """Gives its environment a real ``.git``."""

    def for_task(self, task: Task, root: Path | None) -> Built:
        """The fixed environment, with the past of the base commit."""
        built = super().for_task(task, root)
        histories = Histories(built.repository.path, self.store)
        tree = self.tree_layer(built.repository, built.repository.commit(task.base_commit).tree)
        bare = self.store.layer("links", "bare", lambda _: None)
        return dataclasses.replace(
            built,
            project=bare,
            link=bare,
            history=lambda history: histories.layer(task.base_commit, tree, history),
        )


def make_task(folder: Path) -> Task:
    """The larder's task, its repository made in ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    task = Workbench(folder).task()
    return task.model_copy(update={"problem_statement": "Counting jars is off by one.", "patch": task.patch})


class GroundFacilities(Facilities):
    """Opened in another process, they stand on the same ground."""

    def elsewhere(self) -> Callable[[], Facilities]:
        """See Facilities."""
        return partial(open_facilities, self.home)


def open_facilities(home: Path, backend: Backend | None = None) -> Facilities:
    """Facilities whose environments are there already."""
    chosen = backend or open_backend("bubblewrap", home)
    builder = WorkingBuilder(home, backend=chosen)
    venv = home / "fixed-venv"
    builder.venv = venv if venv.exists() else running_venv(venv)
    return GroundFacilities(home, chosen, builder=builder, grading=GradeOptions(timeout=60, test_timeout=10))


def repository_of(task: Task, home: Path) -> Repository:
    """The task's repository."""
    return Repository.open(task.environment.repository, home)


def several(task: Task, number: int) -> list[tuple[Task, Path | None]]:
    """The task under several names."""
    return [(task.model_copy(update={"instance_id": f"larder__{n:012}"}), None) for n in range(number)]
