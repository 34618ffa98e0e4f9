"""The images of tasks: what an agent's sandbox starts from under Docker, built ahead, shared through a registry, removed.

A task's image holds its environment and nothing of its fix: the base commit's files, a ``.git`` of the base's past, the
dependencies. It never holds a test of the fix, nor what grading needs. Only images with our label are ever touched.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from r2egym.environment.facilities import Facilities
from r2egym.environment.work import WorkEnvironment
from r2egym.errors import SandboxStartError, UsageError
from r2egym.records import Record, Task
from r2egym.sandboxes.base import SandboxConfig
from r2egym.sandboxes.containers.images import REPOSITORY
from r2egym.sandboxes.docker import DockerBackend


class TaskImage(Record):
    """What became of one task's image."""

    instance_id: str
    image: str
    """Its name."""
    state: str
    """``built``, ``there``, ``pushed``, ``pulled``, ``removed``, ``in use`` or ``absent``."""
    bytes: int | None = None
    """What it takes by itself, layers shared with other images included; None: it is not there."""


class TaskImages:
    """Images of the tasks of a dataset.

    Args:
        facilities: what environments are made of; their backend must be Docker's.
        root: the dataset's folder.
        registry: where images are pushed to and pulled from, as ``HOST/NAME``; empty: nowhere.

    Raises:
        UsageError: the backend is another one.
    """

    def __init__(self, facilities: Facilities, root: Path | None, registry: str = "") -> None:
        if not isinstance(facilities.backend, DockerBackend):
            raise UsageError("images are the docker backend's")
        self._facilities = facilities
        self._backend = facilities.backend
        self._root = root
        self._registry = registry.rstrip("/")

    def name(self, task: Task) -> str:
        """The name of a task's image; its environment is built on this machine to tell."""
        return self._backend.image(self._config(task), make=False)

    def build(self, tasks: Iterable[Task]) -> Iterator[TaskImage]:
        """Make the images that the engine has not."""
        for task in tasks:
            config = self._config(task)
            name = self._backend.image(config, make=False)
            state = "there" if self._backend.images.has(name) else "built"
            yield self._told(task, self._backend.image(config), state)

    def push(self, tasks: Iterable[Task]) -> Iterator[TaskImage]:
        """Make the images, and send them to the registry. Raises SandboxStartError when it refuses."""
        for task in tasks:
            name = self._backend.image(self._config(task))
            self._backend.images.push(name, self._place(name))
            yield self._told(task, name, "pushed")

    def pull(self, tasks: Iterable[Task]) -> Iterator[TaskImage]:
        """Bring the images that the engine has not from the registry. Raises SandboxStartError when it has them not."""
        for task in tasks:
            name = self.name(task)
            there = self._backend.images.has(name)
            if not there:
                self._backend.images.pull(name, self._place(name))
            yield self._told(task, name, "there" if there else "pulled")

    def prune(self, tasks: Iterable[Task]) -> Iterator[TaskImage]:
        """Remove the images of tasks; one that a container uses stays."""
        for task in tasks:
            name = self.name(task)
            if not self._backend.images.has(name):
                yield TaskImage(instance_id=task.instance_id, image=name, state="absent")
                continue
            gone = self._backend.images.remove(name)
            yield TaskImage(instance_id=task.instance_id, image=name, state="removed" if gone else "in use")

    def _config(self, task: Task) -> SandboxConfig:
        return WorkEnvironment(self._facilities, task, root=self._root).config()

    def _place(self, name: str) -> str:
        if not self._registry:
            raise UsageError("say which registry: --registry HOST/NAME")
        return f"{self._registry}:{name.removeprefix(f'{REPOSITORY}:')}"

    def _told(self, task: Task, name: str, state: str) -> TaskImage:
        size = self._backend.images.size(name)
        if size is None:
            raise SandboxStartError(
                f"the engine has lost {name} as soon as it was made", reason="missing-image"
            )
        return TaskImage(instance_id=task.instance_id, image=name, state=state, bytes=size)
