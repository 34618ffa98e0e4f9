"""What the layers of some environments take on the disk, as far as they are there; nothing is built to find out.

Limits: of a row whose repository is nowhere on this machine (neither mirrored nor bundled beside the dataset) nothing is
found. The ``.git`` that a curation made from a path differs from the one that the dataset's bundle gives. A file that
several layers share counts once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cache
from pathlib import Path

from r2egym.building.assembly import Assembly
from r2egym.building.layers import LayerStore
from r2egym.building.plain import walk_files
from r2egym.building.room import Usage
from r2egym.errors import R2EGymError, RepositoryError
from r2egym.mining import Repository
from r2egym.records import Record, Task
from r2egym.sandboxes.base import Backend
from r2egym.settings import Settings

OF_A_TASK = frozenset({"trees", "git", "projects", "editable"})
"""Kinds of layers that a task more may bring; the others are an environment's, which tasks share."""


class LayersWeight(Record):
    """The layers of a dataset's environments."""

    kinds: tuple[Usage, ...]
    """What each kind takes, largest first."""
    bytes: int
    """All of them."""
    bytes_a_task: float | None
    """Of the kinds that a task more may bring, for each task whose layers are there."""
    copied_a_task: float | None
    """What a task would take with everything its own, as in an image that shares nothing."""
    absent: dict[str, int]
    """Kind → tasks whose layer of it is the first that is not there; the next use builds it."""


class _AbsentError(R2EGymError):
    """A layer is not there."""

    def __init__(self, kind: str) -> None:
        super().__init__(f"no such layer in {kind}")
        self.kind = kind


class _Shelf(LayerStore):
    """A store that hands out what it has and builds nothing."""

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self.found: dict[str, set[Path]] = {}
        self.taken: set[Path] = set()

    def layer(self, kind: str, key: str, build: Callable[[Path], None]) -> Path:
        """The layer, when it is there; it does not count as used."""
        del build
        path = self.home / "layers" / kind / key
        if not path.is_dir():
            raise _AbsentError(kind)
        self.found.setdefault(kind, set()).add(path)
        self.taken.add(path)
        return path


def weigh(tasks: Iterable[Task], root: Path | None, settings: Settings, backend: Backend) -> LayersWeight:
    """Weigh the layers of some tasks' environments.

    Args:
        tasks: rows of one dataset.
        root: the dataset's folder, when it has one.
        settings: where layers are kept, and where interpreters are.
        backend: is never opened.
    """
    shelf = _Shelf(settings.home)
    assembly = Assembly(settings.home, backend, settings)
    assembly.store = shelf
    absent: Counter[str] = Counter()
    there = copied = 0
    mirrors = _mirrors(settings.home)
    for task in tasks:
        shelf.taken.clear()
        complete = True
        try:
            _look(assembly, task, root, mirrors)
        except _AbsentError as error:
            absent[error.kind] += 1
            complete = error.kind == "git"  # the last one, and made for agents only
        except R2EGymError:
            absent["repositories"] += 1
            complete = False
        if complete:
            there += 1
            copied += sum(_size(layer) for layer in shelf.taken)
    kinds = _weights(shelf.found)
    own = sum(kind.bytes for kind in kinds if kind.kind in OF_A_TASK)
    return LayersWeight(
        kinds=kinds,
        bytes=sum(kind.bytes for kind in kinds),
        bytes_a_task=own / there if there else None,
        copied_a_task=copied / there if there else None,
        absent=dict(absent),
    )


def _look(assembly: Assembly, task: Task, root: Path | None, mirrors: list[Repository]) -> None:
    """Ask for every layer of a task; the shelf notes those that are there. Raises at the first that is not."""
    repository = next((one for one in mirrors if _has(one, task.base_commit)), None)
    if repository is None:
        bundle = root / task.environment.repository if root and task.environment.repository else None
        if bundle is None or not bundle.is_file():
            raise _AbsentError("repositories")
        repository = Repository.open(bundle, assembly.store.home, having=task.base_commit)
        mirrors.append(repository)
    index = root / "index" if root and task.environment.index == "index" else None
    built = assembly.assemble(repository, task.base_commit, task.environment, index)
    built.history("past")


def _mirrors(home: Path) -> list[Repository]:
    found = []
    for path in sorted((home / "repositories").glob("*.git")):
        with suppress(RepositoryError):
            found.append(Repository(path))
    return found


def _has(repository: Repository, commit: str) -> bool:
    try:
        return repository.resolve(commit) == commit
    except RepositoryError:
        return False


@cache
def _size(layer: Path) -> int:
    return sum(status.st_blocks * 512 for status in walk_files(layer))


def _weights(found: dict[str, set[Path]]) -> tuple[Usage, ...]:
    seen: set[int] = set()
    usages = []
    for kind in sorted(found, key=lambda name: name in OF_A_TASK):
        size = 0
        for layer in sorted(found[kind]):
            for status in walk_files(layer):
                if status.st_ino not in seen:
                    seen.add(status.st_ino)
                    size += status.st_blocks * 512
        usages.append(Usage(kind=kind, count=len(found[kind]), bytes=size))
    return tuple(sorted(usages, key=lambda usage: -usage.bytes))
