"""What environments share: the maker of layers, the maker of sandboxes, the grader.

A trainer opens hundreds of environments in one process; what a task needs is built once and found by all of them.
"""

from __future__ import annotations

import atexit
from collections import OrderedDict
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Literal, Self

from r2egym import settings
from r2egym.building import Builder, Built
from r2egym.building.published_images import PublishedImage, image_of, prepare_image
from r2egym.errors import TaskError
from r2egym.grading import GradeOptions, Grader
from r2egym.records import Reward, Task, content_hash
from r2egym.sandboxes import open_backend
from r2egym.sandboxes.base import Backend

BackendName = Literal["auto", "bubblewrap", "docker"]
_REMEMBERED = 512
"""Environments that are kept at hand; each is a few paths."""
_shared: dict[tuple[str, ...], Facilities] = {}
_mutex = Lock()


class Facilities:
    """Makes and grades environments; safe for threads. Use it in a ``with`` block, or :meth:`shared`.

    Args:
        home: ``$R2EGYM_HOME``.
        backend: where commands and tests run.
        builder: makes environments; None: one of its own.
        index: a folder of wheels instead of the package index.
        grading: bounds of a grading run; None: the defaults.
    """

    def __init__(
        self,
        home: Path,
        backend: Backend,
        *,
        builder: Builder | None = None,
        index: Path | None = None,
        grading: GradeOptions | None = None,
    ) -> None:
        self.home = home
        self.backend = backend
        self.index = index
        self.builder = builder or Builder(home, backend=backend, index=index)
        self._graders: dict[GradeOptions, Grader] = {}
        self._grading = grading or GradeOptions()
        self._built: OrderedDict[str, _Slot] = OrderedDict()
        self._lock = Lock()

    @classmethod
    def shared(
        cls, *, home: Path | None = None, backend: BackendName = "auto", index: Path | None = None
    ) -> Facilities:
        """The facilities of this process for a home and a backend; they close when the interpreter ends."""
        place = home or settings.load().home
        name = "bubblewrap" if backend == "auto" else backend
        key = (str(place.absolute()), name, str(index or ""))
        with _mutex:
            if key not in _shared:
                _shared[key] = made = cls(place, open_backend(name, place), index=index)
                atexit.register(made.close)
            return _shared[key]

    def elsewhere(self) -> Callable[[], Facilities]:
        """What opens such facilities in another process, in the home of its own machine. It pickles."""
        return partial(_open, "docker" if self.backend.name == "docker" else "bubblewrap", self.index)

    def built(self, task: Task, root: Path | None) -> Built:
        """The environment of a task; built when nobody has asked for it before.

        Raises:
            TaskError: it cannot be built.
        """
        if not task.environment.repository:
            raise TaskError(
                f"{task.instance_id}: this row names an image and no environment; it needs the Docker backend"
            )
        key = content_hash(
            {
                "base": task.base_commit,
                "environment": task.environment.model_dump(mode="json"),
                "root": str(root),
            }
        )
        with self._lock:
            slot = self._built.setdefault(key, _Slot())
            self._built.move_to_end(key)
            while len(self._built) > _REMEMBERED:
                self._built.popitem(last=False)
        with slot.lock:
            if slot.built is None:
                slot.built = self.builder.for_task(task, root)
            return slot.built

    def published(self, task: Task) -> PublishedImage:
        """The image that a row of the published shape names, made fit for agents. Raises SandboxError, BuildError, UsageError."""
        return prepare_image(self.backend, self.home, task)

    def grade(
        self,
        task: Task,
        patch: str,
        *,
        root: Path | None = None,
        timeout: float | None = None,
        seal: bool = False,
    ) -> Reward:
        """Grade a patch in a fresh sandbox; ``seal``: a sealed run must agree with a 1.

        Never raises for what the patch does; see :class:`Grader`.
        """
        options = self._grading
        if timeout is not None:
            options = options.model_copy(update={"timeout": timeout})
        with self._lock:
            if options not in self._graders:
                self._graders[options] = Grader(self.builder, self.backend, options)
            grader = self._graders[options]
        return (grader.sealing() if seal else grader).grade(task, patch, root=root)

    def close(self) -> None:
        """Let go of all layers; twice is safe."""
        self.builder.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def backend_for(tasks: Iterable[Task], asked: BackendName) -> Literal["bubblewrap", "docker"]:
    """The backend that ``auto`` means: Docker's as soon as a row names an image and holds no environment."""
    if asked != "auto":
        return asked
    return "docker" if any(image_of(task) for task in tasks) else "bubblewrap"


def _open(backend: Literal["bubblewrap", "docker"], index: Path | None) -> Facilities:
    home = settings.load().home
    return Facilities(home, open_backend(backend, home), index=index)


class _Slot:
    """The place of an environment; whoever comes first builds it."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.built: Built | None = None
