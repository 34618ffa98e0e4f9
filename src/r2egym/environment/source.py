"""A task from whatever names one: a row, a dataset's folder or file, an id on the hub."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from r2egym.errors import UsageError
from r2egym.records import Task
from r2egym.tasks import from_row, load_dataset
from r2egym.tasks.roots import find_root, remember_root

TaskSource = Task | Mapping[str, Any] | str | Path
"""A task, a row of a dataset, or where a dataset is."""


def find_task(
    source: TaskSource,
    home: Path,
    *,
    instance_id: str | None = None,
    split: str | None = None,
    root: Path | None = None,
) -> tuple[Task, Path | None]:
    """The task, and the folder that its row refers to (None: it refers to none).

    Args:
        source: see :data:`TaskSource`.
        home: ``$R2EGYM_HOME``, where folders of datasets are remembered.
        instance_id: which task of a dataset; may be left out where there is only one.
        split: which split of a dataset of the hub.
        root: the dataset's folder, when the source does not tell it.

    Raises:
        DatasetError: there is no such dataset, row or task.
        UsageError: the dataset has several tasks and none was named.
    """
    if isinstance(source, Task):
        return source, root or find_root(home, source)
    if isinstance(source, Mapping):
        task = from_row(source)
        return task, root or find_root(home, task)
    dataset = load_dataset(source, split=split)
    if dataset.root is not None:
        remember_root(home, dataset.root)
    if instance_id is not None:
        task = dataset.find(instance_id)
    elif len(dataset) == 1:
        (task,) = dataset.tasks
    else:
        first = ", ".join(task.instance_id for task in dataset.tasks[:3])
        raise UsageError(f"{source} has {len(dataset)} tasks; name one by instance_id ({first}, …)")
    return task, root or dataset.root or find_root(home, task)
