"""Attempts to be exported, from runs and from single files, each with the task that it is at.

A source is a run's folder, a JSONL file of trajectories, or a file of ATIF (one object, or a line each).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from r2egym.errors import DatasetError, R2EGymError, UsageError
from r2egym.records import RolloutLimits, Task, ToolCall, Trajectory
from r2egym.tasks import load_dataset
from r2egym.tools import render
from r2egym.training.atif import as_trajectory, is_atif
from r2egym.verifiers.runs import is_run, read_configuration, read_trajectories

_STEP: dict[str, Any] = {
    "thought": "", "action": "", "observation": "", "done": False, "token_usage_prompt": -1,
    "token_usage_completion": -1, "token_usage_total": -1, "llm_exec_time": 0.0, "env_exec_time": 0.0,
    "total_step_time": 0.0, "total_time_traj": 0.0,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Exported:
    """An attempt that may be exported."""

    trajectory: Trajectory
    task: Task | None
    """None: its dataset is not at hand, and nobody needs it."""


def read_attempts(sources: Sequence[Path], dataset: str | None, *, need_tasks: bool) -> Iterator[Exported]:
    """The attempts of all sources, in their order.

    Args:
        sources: runs' folders and files.
        dataset: where their tasks are; None: where each run's ``run.json`` says.
        need_tasks: whether an attempt without its task is an error.

    Raises:
        UsageError: a source is none, or tasks are needed and not at hand.
        DatasetError: a line is damaged, or of another schema.
    """
    for source in sources:
        _check(source)
    tasks = _tasks(dataset) if dataset else {}
    for source in sources:
        if need_tasks and not dataset:
            tasks = _tasks_of(source)
        for trajectory in _trajectories(source):
            task = tasks.get(trajectory.instance_id)
            if need_tasks and task is None:
                raise UsageError(
                    f"{source}: the dataset has no task {trajectory.instance_id!r}; give the run's own with --dataset"
                )
            yield Exported(trajectory, task)


def _tasks(dataset: str) -> dict[str, Task]:
    return {task.instance_id: task for task in load_dataset(dataset)}


def _tasks_of(source: Path) -> dict[str, Task]:
    named = str(read_configuration(source).get("dataset") or "") if is_run(source) else ""
    try:
        if named:
            return _tasks(named)
    except R2EGymError as error:
        raise UsageError(
            f"{source}: its tasks are not where run.json says ({error}); give --dataset"
        ) from None
    raise UsageError(f"{source} does not say which dataset its tasks are of; give --dataset")


def _check(source: Path) -> None:
    if source.is_dir() and not is_run(source):
        raise UsageError(f"{source}: a folder without a run in it (r2egym run makes one)")
    if not source.exists():
        raise UsageError(f"{source}: no such run; export takes runs' folders, and files of trajectories")


def _trajectories(source: Path) -> Iterator[Trajectory]:
    if source.is_dir():
        yield from read_trajectories(source)
        return
    for where, value in _objects(source):
        yield _atif(value, where) if is_atif(value) else _ours(value, where)


def _objects(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path}: cannot be read ({error})") from None
    if path.suffix == ".json":
        parts = [(str(path), text)]
    else:
        parts = [(f"{path}, line {number}", line) for number, line in enumerate(text.split("\n"), 1)]
    for where, part in parts:
        if part.strip():
            try:
                value = json.loads(part)
            except (ValueError, RecursionError) as error:
                raise DatasetError(f"{where}: not JSON ({error})") from None
            if not isinstance(value, dict):
                raise DatasetError(f"{where}: expected an object")
            yield where, value


def _atif(value: dict[str, Any], where: str) -> Trajectory:
    """An ATIF object as a record of ours; what the format does not tell gets a default."""
    found = as_trajectory(value)
    steps = [_step(number, step) for number, step in enumerate(found["trajectory_steps"])]
    limits = RolloutLimits().model_dump()
    return _ours({**limits, "exit_reason": "", "output_patch": "", **found, "trajectory_steps": steps}, where)


def _step(number: int, step: dict[str, Any]) -> dict[str, Any]:
    known = {name: part for name, part in step.items() if part is not None}
    if (call := known.get("call")) is not None:
        known["action"] = render(ToolCall.model_validate(call))
    return {**_STEP, **known, "step_idx": number, "step_count": number + 1}


def _ours(value: dict[str, Any], where: str) -> Trajectory:
    try:
        return Trajectory.model_validate(value)
    except ValidationError as error:
        problem = error.errors()[0]
        place = ".".join(map(str, problem["loc"]))
        raise DatasetError(
            f"{where}: no attempt as this version writes them: {place}: {problem['msg']}"
        ) from None
