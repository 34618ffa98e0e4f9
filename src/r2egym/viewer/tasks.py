"""Tasks of a dataset as pages need them: a light list of all, and one row on demand, so that memory does not grow with what rows hold."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from r2egym.errors import DatasetError
from r2egym.records import Size, Task
from r2egym.tasks import from_row, load_dataset
from r2egym.tasks.store import TASKS
from r2egym.tasks.summary import Yield, read_yield
from r2egym.viewer.rows import title_of
from r2egym.viewer.sources import DatasetSource

_LIGHT = (
    "instance_id", "repo", "repo_name", "commit_hash", "problem_statement", "FAIL_TO_PASS", "PASS_TO_PASS", "size",
    "issue_source", "duplicate_of",
)  # fmt: skip
_KEPT = 32


@dataclass(frozen=True, slots=True)
class Entry:
    """A task in a list."""

    task: str
    """``instance_id``."""
    repo: str
    title: str
    group: int
    """Row group of the file."""
    place: int
    """Place in it."""
    fail_to_pass: int
    pass_to_pass: int
    size: Size | None
    source: str
    duplicate_of: str


class TaskTable:
    """A dataset that is open.

    Args:
        source: where it is.
    """

    def __init__(self, source: DatasetSource) -> None:
        self.source, self.name = source, source.name
        self._lock = threading.Lock()
        self._tasks: OrderedDict[str, Task] = OrderedDict()

    @cached_property
    def entries(self) -> dict[str, Entry]:
        """All tasks by name, in their order. Raises DatasetError."""
        rows = self._parquet() if self.source.path.suffix == ".parquet" else self._loaded()
        return {entry.task: entry for entry in rows}

    @cached_property
    def funnel(self) -> Yield | None:
        """How the dataset came about, if it is told. Raises DatasetError when that cannot be read."""
        return read_yield(self.source.folder if self.source.path.name == TASKS else None)

    def task(self, name: str) -> Task | None:
        """A task; None when there is none of that name. Raises DatasetError."""
        entry = self.entries.get(name)
        if entry is None:
            return None
        with self._lock:
            if name not in self._tasks:
                self._tasks[name] = self._read(entry)
                while len(self._tasks) > _KEPT:
                    self._tasks.popitem(last=False)
            return self._tasks[name]

    def _read(self, entry: Entry) -> Task:
        import pyarrow.parquet as pq

        if self.source.path.suffix != ".parquet":
            return load_dataset(self.source.path).find(entry.task)
        with pq.ParquetFile(self.source.path) as file:
            table = file.read_row_group(entry.group).slice(entry.place, 1)
        return from_row(table.to_pylist()[0])

    def _parquet(self) -> Iterator[Entry]:
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            with pq.ParquetFile(self.source.path) as file:
                columns = [name for name in _LIGHT if name in file.schema_arrow.names]
                for group in range(file.num_row_groups):
                    rows = file.read_row_group(group, columns=columns).to_pylist()
                    for place, row in enumerate(rows):
                        yield _entry(row, group, place)
        except (pa.ArrowException, OSError) as error:
            first = str(error).partition("\n")[0]
            raise DatasetError(f"{self.source.path}: cannot be read as parquet: {first}") from None

    def _loaded(self) -> Iterator[Entry]:
        for task in load_dataset(self.source.path):
            yield Entry(
                task.instance_id, task.repo, title_of(task.problem_statement), 0, 0, len(task.fail_to_pass),
                len(task.pass_to_pass), task.size, task.issue_source, task.duplicate_of or "",
            )  # fmt: skip


def _entry(row: dict[str, Any], group: int, place: int) -> Entry:
    repo = str(row.get("repo") or row.get("repo_name") or "")
    return Entry(
        task=str(row.get("instance_id") or f"{repo}__{str(row.get('commit_hash') or '')[:12]}"),
        repo=repo,
        title=title_of(str(row.get("problem_statement") or "")),
        group=group,
        place=place,
        fail_to_pass=_length(row.get("FAIL_TO_PASS")),
        pass_to_pass=_length(row.get("PASS_TO_PASS")),
        size=_size(row.get("size")),
        source=str(row.get("issue_source") or "published"),
        duplicate_of=str(row.get("duplicate_of") or ""),
    )


def _length(value: Any) -> int:
    try:
        return len(json.loads(value) if isinstance(value, str) else value or ())
    except (ValueError, TypeError):
        return 0


def _size(value: Any) -> Size | None:
    try:
        return Size.model_validate_json(value) if value else None
    except ValueError:
        return None
