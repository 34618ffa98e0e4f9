"""A run's folder as verifiers see it: rewards, trajectories, and the verdicts that are added to it.

``verdicts.jsonl`` grows by one line a verdict, each on disk before the next is begun. A line says which attempt it is about
by the attempt's identity, and what it rests on by ``terms``; of several about one attempt by one verifier the last counts. A last
line that was cut short is dropped.
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pydantic import ValidationError

from r2egym.errors import DatasetError, UsageError
from r2egym.records import Scores, Trajectory, Verdict
from r2egym.verifiers.scores import TaskScores
from r2egym.verifiers.views import Candidate, view_of

RUN, REWARDS, TRAJECTORIES, VERDICTS = "run.json", "rewards.jsonl", "trajectories.jsonl", "verdicts.jsonl"
EXECUTION, EXECUTION_FREE = "execution", "execution-free"


def is_run(path: Path) -> bool:
    """Whether a folder holds a run."""
    return (path / REWARDS).is_file() or (path / RUN).is_file()


def read_configuration(run: Path) -> dict[str, Any]:
    """What ``run.json`` says. Raises DatasetError: it is none."""
    try:
        found = json.loads((run / RUN).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DatasetError(f"{run}: not a run's folder: {RUN} cannot be read ({_why(error)})") from None
    if not isinstance(found, dict):
        raise DatasetError(f"{run / RUN}: expected an object")
    return found


def read_trajectories(run: Path) -> Iterator[Trajectory]:
    """The attempts that have ended, in their order. Raises DatasetError."""
    for where, value in _objects(run / TRAJECTORIES):
        yield _record(Trajectory, value, where)


def read_candidates(run: Path) -> dict[str, list[Candidate]]:
    """What verifiers may see of a run's attempts, by task. An attempt that the machinery left without a patch is none."""
    found: dict[str, list[Candidate]] = defaultdict(list)
    for trajectory in read_trajectories(run):
        if trajectory.output_patch or not trajectory.masked:
            found[trajectory.instance_id].append(view_of(trajectory))
    return {name: sorted(found[name], key=lambda one: one.attempt) for name in sorted(found)}


def read_verdicts(run: Path) -> dict[tuple[str, str], Verdict]:
    """By identity of the attempt and name of the verifier; none where there is no such file. Raises DatasetError."""
    if not (run / VERDICTS).exists():
        return {}
    found = (_record(Verdict, value, where) for where, value in _objects(run / VERDICTS))
    return {(verdict.identity, verdict.verifier): verdict for verdict in found}


def read_scores(run: Path) -> list[TaskScores]:
    """What is known of every attempt of a run: its reward and its verdicts, task by task in order of their names.

    Raises:
        DatasetError: it is no run, or a line of it is damaged.
    """
    verdicts = read_verdicts(run)
    by_attempt: dict[str, list[Verdict]] = defaultdict(list)
    for (identity, _), verdict in verdicts.items():
        by_attempt[identity].append(verdict)
    tasks: dict[str, list[Scores]] = defaultdict(list)
    for where, line in _objects(run / REWARDS):
        try:
            name, attempt, reward = str(line["instance_id"]), int(line["attempt"]), line["reward"]
            identity = str(line["identity"])
        except (KeyError, TypeError, ValueError):
            raise DatasetError(f"{where}: no reward of an attempt") from None
        truth = None if reward is None else float(reward)
        tasks[name].append(scores_of(attempt, by_attempt.get(identity, []), truth))
    rows = {name: sorted(some, key=lambda row: row.attempt) for name, some in tasks.items()}
    return [TaskScores(name, tuple(rows[name])) for name in sorted(rows)]


def scores_of(attempt: int, verdicts: list[Verdict], truth: float | None = None) -> Scores:
    """The scores that an attempt's verdicts amount to."""
    fields: dict[str, Any] = {"attempt": attempt, "truth": truth, "other": {}}
    for verdict in verdicts:
        if verdict.verifier == EXECUTION:
            fields |= {"regression": verdict.regression, "tests": verdict.tests}
        elif verdict.verifier == EXECUTION_FREE:
            fields["judge"] = verdict.score
        else:
            fields["other"][verdict.verifier] = verdict.score
    return Scores.model_validate(fields)


class VerdictFile:
    """``verdicts.jsonl``, opened for adding to. Safe for threads. Use it in a ``with`` block.

    Raises:
        UsageError: another process is adding to it.
        DatasetError: what stands there is no verdict.
        OSError: it cannot be written.
    """

    def __init__(self, run: Path) -> None:
        path = run / VERDICTS
        self._lock = threading.Lock()
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.known = read_verdicts(run)
            whole = path.read_bytes().rfind(b"\n") + 1
            os.ftruncate(self._fd, whole)
        except BlockingIOError:
            os.close(self._fd)
            raise UsageError(f"{path} is being written by another process; wait for it to end") from None
        except BaseException:
            os.close(self._fd)
            raise

    def has(self, identity: str, verifier: str, terms: str) -> bool:
        """Whether there is a verdict on these terms that the machinery did not spoil."""
        found = self.known.get((identity, verifier))
        return found is not None and found.terms == terms and found.failure is None

    def add(self, verdict: Verdict) -> None:
        """Add a verdict; it is on disk when this returns."""
        data = verdict.model_dump_json().encode("utf-8", "backslashreplace") + b"\n"
        with self._lock:
            end = os.fstat(self._fd).st_size
            try:
                view = memoryview(data)
                while view:
                    view = view[os.write(self._fd, view) :]
                os.fdatasync(self._fd)
            except OSError:
                os.ftruncate(self._fd, end)
                raise
            self.known[verdict.identity, verdict.verifier] = verdict

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._fd)


def _objects(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Where, and what, each whole line is."""
    try:
        stream = path.open("rb")
    except FileNotFoundError:
        raise DatasetError(
            f"{path.parent}: not a run's folder, or nothing in it has ended: no {path.name}"
        ) from None
    with stream:
        for number, line in enumerate(stream, 1):
            if not line.endswith(b"\n"):
                return  # being written now, or cut short
            where = f"{path}, line {number}"
            try:
                value = json.loads(line.decode())
            except (ValueError, RecursionError) as error:
                raise DatasetError(f"{where}: not JSON ({error})") from None
            if not isinstance(value, dict):
                raise DatasetError(f"{where}: expected an object")
            yield where, value


def _record(kind: Any, value: dict[str, Any], where: str) -> Any:
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        problem = error.errors()[0]
        place = ".".join(map(str, problem["loc"]))
        raise DatasetError(f"{where}: {place}: {problem['msg']}") from None


def _why(error: Exception) -> str:
    return (error.strerror or str(error)).lower() if isinstance(error, OSError) else f"not JSON: {error}"
