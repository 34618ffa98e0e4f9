"""Reading a dataset from wherever it is: a folder, a parquet or JSONL file, or a Hugging Face id."""

from __future__ import annotations

import importlib
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from r2egym import settings
from r2egym.errors import DatasetError
from r2egym.tasks.roots import remember_root
from r2egym.tasks.schema import from_row
from r2egym.tasks.store import TASKS, Dataset

_HUB_PARTS = 2  # owner/name


def load_dataset(source: str | Path, *, split: str | None = None) -> Dataset:
    """The tasks of a dataset.

    Args:
        source: a folder with ``tasks.parquet``, a ``.parquet`` or ``.jsonl`` file, or ``owner/name`` on the hub.
        split: which split of a hub's dataset; default: ``train``, or the only one there is.

    Raises:
        DatasetError: nothing there, not a dataset, damaged, or written by a newer version.
    """
    path = Path(source)
    folder = path if path.is_dir() else path.parent
    if path.exists() and (folder / TASKS).exists():
        remember_root(settings.load().home, folder)
    if path.is_dir():
        return _folder(path)
    if path.is_file():
        reader = _jsonl_rows if path.suffix in {".jsonl", ".json"} else _parquet_rows
        return Dataset(tuple(from_row(row) for row in reader(path)), path.parent)
    text = str(source)
    if len(text.split("/")) == _HUB_PARTS and not text.startswith((".", "/", "~")) and not path.suffix:
        return Dataset(tuple(from_row(row) for row in _hub_rows(text, split)))
    raise DatasetError(
        f"{source}: no such file or folder; give a dataset's folder, a parquet or JSONL file, or owner/name"
    )


def cache_dataset(source: str | Path, name: str, *, split: str = "train") -> None:
    """Put a dataset's rows into the local cache of ``datasets``, as if they had been loaded from the hub under a name.

    From then on ``datasets.load_dataset(name)`` finds them without a network (``HF_HUB_OFFLINE=1``): code that was written
    for a published dataset runs on rows of one's own. What was cached of that name before is replaced.

    Args:
        source: a dataset's folder, or its parquet file.
        name: ``owner/name``.
        split: what the only split is called.

    Raises:
        DatasetError: no dataset there, or no such name on a hub.
    """
    import datasets
    from datasets.packaged_modules.parquet.parquet import Parquet

    path = Path(source)
    path = path / TASKS if path.is_dir() else path
    if not path.is_file():
        raise DatasetError(f"{source}: no dataset's folder, and no parquet file")
    owner, slash, own = name.partition("/")
    if not (owner and slash and own) or "/" in own or name.startswith("."):
        raise DatasetError(f"{name}: a dataset of the hub is called owner/name")
    remember_root(settings.load().home, path.parent)
    home = Path(datasets.config.HF_DATASETS_CACHE)
    home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home) as scratch:
        builder = Parquet(
            cache_dir=scratch,
            dataset_name=own,
            config_id="default",
            hash="local",
            data_files={split: [str(path)]},
        )
        try:
            builder.download_and_prepare()
        except datasets.exceptions.DatasetGenerationError as error:
            raise DatasetError(f"{path}: cannot be read as parquet: {error.__cause__ or error}") from None
        made = Path(scratch) / builder.dataset_name
        target = home / f"{owner}___{builder.dataset_name}"
        if target.exists():
            target.rename(Path(scratch) / "replaced")
        made.rename(target)


def _folder(folder: Path) -> Dataset:
    if not (folder / TASKS).is_file():
        raise DatasetError(f"{folder}: not a dataset: it has no {TASKS} (r2egym curate makes one)")
    return Dataset(tuple(from_row(row) for row in _parquet_rows(folder / TASKS)), folder)


def _parquet_rows(path: Path) -> Iterator[dict[str, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=64):
                yield from batch.to_pylist()
    except (pa.ArrowException, OSError) as error:
        first = str(error).partition("\n")[0]
        raise DatasetError(f"{path}: cannot be read as parquet: {first}") from None


def _jsonl_rows(path: Path) -> Iterator[dict[str, Any]]:
    with path.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line.decode())
            except ValueError as error:
                raise DatasetError(f"{path}, line {number}: not JSON ({error})") from None
            if not isinstance(row, dict):
                raise DatasetError(f"{path}, line {number}: expected an object")
            yield row


def _hub_rows(name: str, split: str | None) -> Iterator[dict[str, Any]]:
    try:
        datasets = importlib.import_module("datasets")
    except ImportError:
        raise DatasetError(
            f"{name}: no such folder; reading it from the hub needs the package `datasets`"
        ) from None
    try:
        found = datasets.load_dataset(name)
    except (OSError, ValueError, RuntimeError) as error:
        first = str(error).partition("\n")[0]
        raise DatasetError(f"{name}: neither a folder here nor a dataset of the hub: {first}") from None
    chosen = split or ("train" if "train" in found else next(iter(found)))
    if chosen not in found:
        raise DatasetError(f"{name}: no split {chosen!r}; it has {', '.join(found)}")
    yield from found[chosen]
