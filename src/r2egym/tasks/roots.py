"""Which folders hold datasets on this machine, so that a row alone finds the bundle and the wheels it refers to.

A row that came through ``datasets.load_dataset`` knows nothing of the folder it was read from. Every folder that is
written or read by this package leaves its path under ``$R2EGYM_HOME/datasets``; nothing else is kept there, and all of it
may be deleted.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path

from r2egym.records import Task
from r2egym.tasks.store import TASKS, replacing


def remember_root(home: Path, folder: Path) -> None:
    """Note that ``folder`` holds a dataset. Never fails: it is a convenience."""
    place = folder.absolute()
    name = hashlib.sha256(str(place).encode()).hexdigest()[:24]
    with suppress(OSError):
        (home / "datasets").mkdir(parents=True, exist_ok=True)
        with replacing(home / "datasets" / name) as aside:
            aside.write_text(str(place), encoding="utf-8")


def find_root(home: Path, task: Task) -> Path | None:
    """The newest known dataset that holds this task and what its row refers to.

    None when the row refers to nothing, or no such dataset is known.
    """
    wanted = [task.environment.repository] if task.environment.repository.startswith("repos/") else []
    wanted += ["index"] if task.environment.index == "index" else []
    if not wanted:
        return None
    notes = sorted((home / "datasets").glob("*"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
    for note in notes:
        root = Path(note.read_text(encoding="utf-8"))
        if all((root / name).exists() for name in wanted) and _holds(root / TASKS, task.instance_id):
            return root
    return None


def _holds(tasks: Path, instance_id: str) -> bool:
    """Whether a dataset's file has a task of this name: two datasets of one repository have bundles of one name."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    try:
        names = pq.read_table(tasks, columns=["instance_id"]).column("instance_id")
    except (pa.ArrowException, OSError, KeyError):
        return False
    return bool(pc.any(pc.equal(names, instance_id)).as_py())
