"""What a task more takes on the disk, beside an image of its own, as it would be if tasks shared nothing."""

from __future__ import annotations

from collections.abc import Iterator

from r2egym.bench import BenchLine
from r2egym.building.weigh import weigh
from r2egym.errors import UsageError
from r2egym.sandboxes import open_backend
from r2egym.settings import Settings
from r2egym.tasks import load_dataset
from r2egym.tasks.disk import measure_disk

_IMAGE = "interpreter, dependencies, source and .git of a task, copied for it alone"


def run(settings: Settings, source: str = "") -> Iterator[BenchLine]:
    """Measure a dataset at rest.

    Args:
        settings: where layers are kept; the reference is made of those that are there.
        source: the dataset's folder.

    Raises:
        UsageError: no folder was named, or it has no task.
        DatasetError: it is no dataset.
    """
    if not source:
        raise UsageError("bench disk takes a dataset's folder")
    dataset = load_dataset(source)
    if dataset.root is None or not len(dataset):
        raise UsageError(f"{source}: bench disk takes a dataset's folder that has tasks")
    disk = measure_disk(dataset.root)
    layers = weigh(dataset.tasks, dataset.root, settings, open_backend("memory", settings.home))
    copied = layers.copied_a_task
    image = copied / 1e3 if copied else None
    note = _IMAGE if copied else "no layers of it are here: grade or doctor it first"

    def line(name: str, size: float) -> BenchLine:
        return BenchLine.of(name, size / 1e3, image, unit="kB", note=note)

    lean, rows = disk.lean_rows_a_task or 0.0, disk.rows_a_task or 0.0
    beside = {name: size / disk.tasks for name, size in disk.attachments.items()}
    yield line("a task at rest, without full-file columns", lean)
    yield line("a task at rest, with them", rows)
    for name, size in beside.items():
        yield line(f"a task's share of {name}/", size)
    yield line("a task at rest, everything", rows + sum(beside.values()))
    if layers.bytes_a_task is not None:
        yield line("a task in the cache, not shared with others", layers.bytes_a_task)
