"""Reading the published predictions: one row a task, and in it lists of 26 numbers as text, one number an attempt.

``gt_rewards`` is the truth, ``regression_rates`` RS, ``mean_predicted_rewards`` TS, ``avg_yes_prob`` s_EF. The texts are taken
apart number by number and never evaluated; ``nan`` and ``None`` are unknown. A row may hold lists as lists, too.
"""

from __future__ import annotations

import importlib
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from r2egym.errors import DatasetError
from r2egym.records import Scores
from r2egym.verifiers.scores import TaskScores

SPLIT = "predictions"
COLUMNS = {
    "gt_rewards": "truth",
    "regression_rates": "regression",
    "mean_predicted_rewards": "tests",
    "avg_yes_prob": "judge",
}
"""The columns that are read, and the field of Scores that each fills."""
_NAMES = ("instance_id", "docker_image", "commit_hash")
_WORDS = {"none": math.nan, "null": math.nan, "nan": math.nan, "true": 1.0, "false": 0.0}
_WRAPPED = re.compile(r"np\.\w+\(([^()]*)\)")
_HUB_PARTS = 2
_SHOWN = 40


def load_scores(source: str | Path, *, split: str = SPLIT) -> list[TaskScores]:
    """The scores of a predictions dataset.

    Args:
        source: a parquet or JSONL file, a folder of either or as ``datasets`` saves one, or ``owner/name`` on the hub
            (from the cache of ``datasets`` where it is there).
        split: of a dataset that has several.

    Raises:
        DatasetError: nothing there, or not such a dataset; one line says which row and column.
    """
    tasks = [_task(row, number, source) for number, row in enumerate(_rows(source, split), 1)]
    if not tasks:
        raise DatasetError(f"{source}: no row in it")
    return tasks


def _task(row: Mapping[str, Any], number: int, source: str | Path) -> TaskScores:
    lists = {}
    for column, field in COLUMNS.items():
        where = f"{source}, row {number}, {column}"
        if column not in row:
            raise DatasetError(
                f"{where}: no such column; predictions have {', '.join(COLUMNS)} (this one: {', '.join(row)[:200]})"
            )
        lists[field] = numbers(row[column], where)
    lengths = {field: len(values) for field, values in lists.items()}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{column} {lengths[field]}" for column, field in COLUMNS.items())
        raise DatasetError(f"{source}, row {number}: lists of different lengths ({told})")
    name = next((str(row[key]) for key in _NAMES if row.get(key)), f"row {number}")
    rows = tuple(
        Scores.model_validate(
            {"attempt": attempt, **{field: values[attempt] for field, values in lists.items()}}
        )
        for attempt in range(lengths["truth"])
    )
    return TaskScores(name, rows)


def numbers(value: object, where: str) -> list[float | None]:
    """A list of numbers from its text, or from a list.

    Raises:
        DatasetError: it is no list, or something in it is no number; ``where`` says of what.
    """
    if isinstance(value, str):
        text = value.strip()
        if not (text.startswith("[") and text.endswith("]")):
            raise DatasetError(f"{where}: expected a list of numbers, not {value[:_SHOWN]!r}")
        items: Iterable[object] = re.split(r"[\s,]+", text[1:-1].strip(" \t\r\n,"))
        items = [item for item in items if item]
    elif isinstance(value, Iterable) and not isinstance(value, bytes | Mapping):
        items = value
    else:
        raise DatasetError(f"{where}: expected a list of numbers, not {str(value)[:_SHOWN]!r}")
    return [_number(item, where) for item in items]


def _number(item: object, where: str) -> float | None:
    text = str(item).strip()
    wrapped = _WRAPPED.fullmatch(text)
    text = (wrapped[1] if wrapped else text).lower()
    try:
        found = _WORDS[text] if text in _WORDS else float(text)
    except ValueError:
        found = math.inf
    if math.isinf(found) or "_" in text:
        raise DatasetError(f"{where}: {str(item)[:_SHOWN]!r} is no number")
    return None if math.isnan(found) else found


def _rows(source: str | Path, split: str) -> Iterator[Mapping[str, Any]]:
    path = Path(source)
    if path.is_file():
        yield from _lines(path) if path.suffix in {".jsonl", ".json"} else _parquet(path)
    elif path.is_dir():
        yield from _folder(path, split)
    elif len(str(source).split("/")) == _HUB_PARTS and not str(source).startswith((".", "/", "~")):
        yield from _hub(str(source), split)
    else:
        raise DatasetError(
            f"{source}: no such file or folder; give a run, a parquet or JSONL file of predictions, or owner/name"
        )


def _folder(folder: Path, split: str) -> Iterator[Mapping[str, Any]]:
    if any((folder / name).exists() for name in ("dataset_dict.json", "state.json")):
        found = _datasets(str(folder)).load_from_disk(str(folder))
        yield from (found[split] if split in found else found)  # noqa: SIM401 - no mapping
        return
    files = [path for kind in ("parquet", "jsonl") for path in sorted(folder.rglob(f"*.{kind}"))]
    chosen = [path for path in files if split in path.name] or files
    if not chosen:
        raise DatasetError(
            f"{folder}: neither a run (no rewards.jsonl) nor predictions (no parquet or JSONL file)"
        )
    for path in chosen:
        yield from _lines(path) if path.suffix == ".jsonl" else _parquet(path)


def _lines(path: Path) -> Iterator[Mapping[str, Any]]:
    with path.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line.decode())
            except (ValueError, RecursionError) as error:
                raise DatasetError(f"{path}, line {number}: not JSON ({error})") from None
            if not isinstance(row, dict):
                raise DatasetError(f"{path}, line {number}: expected an object")
            yield row


def _parquet(path: Path) -> Iterator[Mapping[str, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=256):
                yield from batch.to_pylist()
    except (pa.ArrowException, OSError) as error:
        first = str(error).partition("\n")[0]
        raise DatasetError(f"{path}: cannot be read as parquet: {first}") from None


def _hub(name: str, split: str) -> Iterator[Mapping[str, Any]]:
    try:
        found = _datasets(name).load_dataset(name, split=split)
    except (OSError, ValueError, RuntimeError) as error:
        first = str(error).partition("\n")[0]
        raise DatasetError(f"{name}: neither a file here nor predictions of the hub: {first}") from None
    yield from found


def _datasets(name: str) -> Any:
    try:
        return importlib.import_module("datasets")
    except ImportError:
        raise DatasetError(f"{name}: reading it needs the package `datasets`") from None
