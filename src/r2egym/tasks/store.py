"""A dataset's folder: ``tasks.parquet``, ``funnel.json``, ``timing.json``, and what its rows need beside them.

``repos/NAME.bundle`` is there for a repository that has no URL, ``index/`` (wheels and ``uploads.json``) for rows that
were resolved from a wheel folder. Every file is written aside and renamed, so a reader never sees half of one.

``tasks.parquet`` has the same bytes whenever the rows are equal: sorted rows, fixed writer options, no time stamps.
"""

from __future__ import annotations

import itertools
import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from r2egym.errors import DatasetError
from r2egym.records import Task
from r2egym.tasks.schema import arrow_schema, to_row

TASKS = "tasks.parquet"
FUNNEL = "funnel.json"
TIMING = "timing.json"

_ROWS_IN_A_GROUP = 64
"""Rows hold whole files and logs; small groups keep a reader's memory flat."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """Tasks, and the folder (if any) whose bundles and wheels their environments refer to."""

    tasks: tuple[Task, ...]
    root: Path | None = None

    def __len__(self) -> int:
        return len(self.tasks)

    def __iter__(self) -> Iterator[Task]:
        return iter(self.tasks)

    def find(self, instance_id: str) -> Task:
        """The task of that name. Raises DatasetError."""
        for task in self.tasks:
            if task.instance_id == instance_id:
                return task
        raise DatasetError(f"no task {instance_id!r} among the {len(self.tasks)} of the dataset")


def write_dataset(
    folder: Path,
    tasks: Iterable[Task],
    *,
    funnel: dict[str, Any] | None = None,
    timing: dict[str, Any] | None = None,
) -> Path:
    """Write a dataset's files; what stood there under these names is replaced.

    Args:
        folder: made when it is not there.
        tasks: in any order; one ``instance_id`` may not come twice.
        funnel: what ``funnel.json`` says, when it shall be written.
        timing: what ``timing.json`` says, when it shall be written.

    Returns:
        The path of ``tasks.parquet``.

    Raises:
        DatasetError: two tasks have one name.
        OSError: the folder cannot be written, or its disk is full.
    """
    rows = sorted((to_row(task) for task in tasks), key=lambda row: str(row["instance_id"]))
    for before, after in itertools.pairwise(rows):
        if before["instance_id"] == after["instance_id"]:
            raise DatasetError(f"two tasks are named {after['instance_id']}")
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(folder / TASKS) as aside:
        write_parquet(aside, rows)
    for name, value in ((FUNNEL, funnel), (TIMING, timing)):
        if value is not None:
            write_json(folder / name, value)
    return folder / TASKS


def write_parquet(path: Path, rows: list[dict[str, Any]]) -> None:
    """Rows as parquet, byte-identical for equal rows and one version of pyarrow."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_pylist(rows, schema=arrow_schema())
    with path.open("wb") as stream:  # Python's own file: its errors are errors of the system
        pq.write_table(
            table,
            stream,
            row_group_size=_ROWS_IN_A_GROUP,
            version="2.6",
            data_page_version="1.0",
            compression="zstd",
            compression_level=9,
            use_dictionary=False,
            write_statistics=False,
        )


def write_json(path: Path, value: Any) -> None:
    """A JSON file for people to read too, written aside and renamed."""
    with replacing(path) as aside:
        aside.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A path to write to, which becomes ``path`` when the block ends well and vanishes when it does not."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(descriptor)
    aside = Path(name)
    try:
        yield aside
        aside.chmod(0o666 & ~_umask())
        with aside.open("rb") as stream:
            os.fsync(stream.fileno())
        aside.replace(path)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        aside.unlink(missing_ok=True)


def _umask() -> int:
    """The process's mask for new files, read where reading does not change it."""
    status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    for line in status.splitlines():
        if line.startswith("Umask:"):
            return int(line.split()[1], 8)
    return 0o022
