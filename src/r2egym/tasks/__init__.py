"""The dataset: one row a task, in a folder that any machine can rebuild and any trainer can read."""

from __future__ import annotations

from r2egym.tasks.hub import cache_dataset, load_dataset
from r2egym.tasks.predictions import Prediction, read_predictions
from r2egym.tasks.schema import COLUMNS, from_row, to_row
from r2egym.tasks.seals import STRENGTHS, seal_of, sealed_at_least, strengths_of
from r2egym.tasks.store import Dataset, write_dataset

__all__ = [
    "COLUMNS",
    "STRENGTHS",
    "Dataset",
    "Prediction",
    "cache_dataset",
    "from_row",
    "load_dataset",
    "read_predictions",
    "seal_of",
    "sealed_at_least",
    "strengths_of",
    "to_row",
    "write_dataset",
]
