"""Predictions: which patch for which task, one JSON object a line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from r2egym.errors import DatasetError, UsageError
from r2egym.records import Record


class Prediction(Record):
    """One patch for one task, under the names that SWE-bench's predictions have."""

    instance_id: str
    model_patch: str
    """A diff against the base commit; empty for none."""


def read_predictions(path: Path) -> Iterator[Prediction]:
    """The predictions of a JSONL file, in their order; further keys of a line are left alone.

    Raises:
        UsageError: there is no such file.
        DatasetError: a line is none; the message names the file and the line.
    """
    try:
        stream = path.open("rb")
    except FileNotFoundError:
        raise UsageError(f"{path}: no such file; --predictions takes a JSONL file of predictions") from None
    except IsADirectoryError:
        raise UsageError(f"{path}: a folder; --predictions takes a JSONL file of predictions") from None
    with stream:
        for number, line in enumerate(stream, 1):
            if line.strip():
                yield _prediction(line, f"{path}, line {number}")


def _prediction(line: bytes, where: str) -> Prediction:
    try:
        value = json.loads(line.decode())
    except ValueError as error:
        raise DatasetError(f"{where}: not JSON ({error})") from None
    if not isinstance(value, dict) or not isinstance(value.get("instance_id"), str):
        raise DatasetError(f'{where}: expected an object with "instance_id" and "model_patch"')
    patch = value.get("model_patch")
    if patch is not None and not isinstance(patch, str):
        raise DatasetError(f'{where}: "model_patch" must be text')
    return Prediction(instance_id=value["instance_id"], model_patch=patch or "")
