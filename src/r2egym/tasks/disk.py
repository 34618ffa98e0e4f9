"""What a dataset takes at rest: its rows, its full-file columns, and what lies beside them."""

from __future__ import annotations

from pathlib import Path

from r2egym.errors import DatasetError
from r2egym.records import Record
from r2egym.tasks.store import TASKS

FULL_FILES = ("parsed_commit_content", "execution_result_content")
"""Published columns that hold whole files; everything of ours can do without them."""
ATTACHMENTS = ("repos", "index")
"""Folders beside the rows that rows lead to."""


class Disk(Record):
    """Bytes of a dataset's folder. Nothing that is kept under ``$R2EGYM_HOME`` is counted."""

    tasks: int
    rows: int
    """Of ``tasks.parquet``."""
    full_files: int
    """Of these, the columns that hold whole files."""
    attachments: dict[str, int]
    """Of ``repos/`` and ``index/``, which rows lead to and share."""
    journal: int
    """What lets a curation resume; a finished dataset can do without."""
    rows_a_task: float | None
    """``rows / tasks``."""
    lean_rows_a_task: float | None
    """The same without the full-file columns."""


def measure_disk(root: Path) -> Disk:
    """Measure a dataset's folder. Raises DatasetError when it has no rows that can be read."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = root / TASKS
    try:
        metadata = pq.read_metadata(path)
        rows = path.stat().st_size
    except (pa.ArrowException, OSError) as error:
        raise DatasetError(f"{path}: cannot be read as parquet: {str(error).partition(chr(10))[0]}") from None
    groups = (metadata.row_group(number) for number in range(metadata.num_row_groups))
    columns = (group.column(number) for group in groups for number in range(group.num_columns))
    full = sum(int(column.total_compressed_size) for column in columns if column.path_in_schema in FULL_FILES)
    tasks = int(metadata.num_rows)
    return Disk(
        tasks=tasks,
        rows=rows,
        full_files=full,
        attachments={name: _bytes(root / name) for name in ATTACHMENTS if (root / name).is_dir()},
        journal=_bytes(root / "journal"),
        rows_a_task=rows / tasks if tasks else None,
        lean_rows_a_task=(rows - full) / tasks if tasks else None,
    )


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
