"""What a run's folder holds of an ended attempt: a line in each of three files, and a summary in the journal."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from r2egym.errors import UsageError
from r2egym.records import Record, Trajectory

FILES = ("trajectories.jsonl", "rewards.jsonl", "predictions.jsonl")


class Summary(Record):
    """What is known of an attempt that has ended: a line of ``r2egym run --json``."""

    instance_id: str
    attempt: int
    identity: str
    resolved: bool | None
    score: float | None
    published: int | None = None
    tampering: tuple[str, ...] = ()
    failure: dict[str, JsonValue] | None = None
    exit_reason: str
    steps: int
    tokens: int = 0
    """Of all requests and answers; what servers did not tell is not in it."""
    cost: float | None = None
    """US dollars."""
    seconds: float = 0.0
    """Of models and commands."""
    repairs: int = 0
    """Calls that had to be mended."""


class Lines:
    """A JSONL file that grows.

    Args:
        path: made when it is not there.
        size: bytes of it that count; what stands beyond them is cut.

    Raises:
        UsageError: it is shorter than that.
    """

    def __init__(self, path: Path, size: int) -> None:
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        found = os.fstat(self._fd).st_size
        if found < size:
            os.close(self._fd)
            raise UsageError(
                f"{path}: {size - found} bytes that were written are gone; choose another folder, or bring the file back"
            )
        os.ftruncate(self._fd, size)
        self.size = size
        self._closed = False

    def add(self, text: str) -> None:
        """Add a line; it is on disk when this returns."""
        view = memoryview(text.encode("utf-8", "backslashreplace") + b"\n")
        place = self.size
        while view:
            written = os.pwrite(self._fd, view, place)
            place, view = place + written, view[written:]
        os.fdatasync(self._fd)
        self.size = place

    def close(self) -> None:
        """Twice is safe."""
        if not self._closed:
            self._closed = True
            os.close(self._fd)


def summarise(trajectory: Trajectory) -> Summary:
    """The line of an ended attempt."""
    grade = trajectory.grade
    steps = trajectory.trajectory_steps
    return Summary(
        instance_id=trajectory.instance_id,
        attempt=trajectory.attempt,
        identity=trajectory.identity,
        resolved=grade.resolved if grade else None,
        score=trajectory.reward,
        published=grade.published if grade else None,
        tampering=grade.tampering if grade else (),
        failure=trajectory.failure.model_dump(mode="json") if trajectory.failure else None,
        exit_reason=trajectory.exit_reason,
        steps=len(steps),
        tokens=sum(max(step.token_usage_total, 0) for step in steps),
        cost=trajectory.cost,
        seconds=steps[-1].total_time_traj if steps else 0.0,
        repairs=sum(len(step.repairs) for step in steps),
    )


def texts(trajectory: Trajectory) -> tuple[str, str, str]:
    """Its lines, in the order of :data:`FILES`."""
    return trajectory.model_dump_json(), _reward_line(trajectory), _prediction_line(trajectory)


def without(path: Path, size: int, identities: AbstractSet[str]) -> Iterator[bytes]:
    """The first ``size`` bytes of a file, line by line, but for the lines of those attempts."""
    with path.open("rb") as stream:
        while stream.tell() < size:
            line = stream.readline()
            if json.loads(line)["identity"] not in identities:
                yield line


def _reward_line(trajectory: Trajectory) -> str:
    grade = trajectory.grade.model_dump(mode="json") if trajectory.grade else {}
    return _text(
        {
            **grade,
            "instance_id": trajectory.instance_id,
            "attempt": trajectory.attempt,
            "identity": trajectory.identity,
            "reward": trajectory.reward,
            "masked": trajectory.masked,
            "failure": trajectory.failure.model_dump(mode="json") if trajectory.failure else None,
        }
    )


def _prediction_line(trajectory: Trajectory) -> str:
    return _text(
        {
            "instance_id": trajectory.instance_id,
            "model_name_or_path": trajectory.model or trajectory.agent,
            "model_patch": trajectory.output_patch,
            "attempt": trajectory.attempt,
            "identity": trajectory.identity,
        }
    )


def _text(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
