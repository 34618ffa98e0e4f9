"""Choosing one patch a task from a run's verdicts, and writing it as a prediction."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from r2egym.errors import UsageError
from r2egym.records import Record, Scores, Trajectory, Verdict
from r2egym.tasks.store import replacing
from r2egym.verifiers.runs import read_scores, read_trajectories, read_verdicts, scores_of
from r2egym.verifiers.selectors import NEEDS, execution_scores, lots_for, selector


class Choice(Record):
    """The attempt chosen at one task."""

    instance_id: str
    attempt: int
    identity: str
    selector: str
    attempts: int
    """Among how many it was chosen; equal patches count once where they were merged."""
    scores: Scores
    """Of the chosen one."""
    execution: float | None = None
    """s_EB among these; None: it has no tests' score."""
    model: str
    patch: str


class Entry(Record):
    """An attempt that may be chosen."""

    instance_id: str
    identity: str
    model: str
    patch: str
    scores: Scores


def choose(name: str, entries: Sequence[Entry], *, seed: int = 0) -> Choice:
    """Choose one of the attempts at a task; ties are settled by lots that depend on seed and task alone.

    Args:
        name: of the selector, or of a verifier.
        entries: at least one, all of one task.
        seed: of the lots.
    """
    rows = [entry.scores for entry in entries]
    task = entries[0].instance_id
    place = selector(name)(rows, lots_for(seed, task, len(rows)))
    chosen = entries[place]
    score = execution_scores(rows)[place]
    known = chosen.scores.tests is not None and score >= 0
    return Choice(
        instance_id=task,
        attempt=chosen.scores.attempt,
        identity=chosen.identity,
        selector=name,
        attempts=len(entries),
        scores=chosen.scores,
        execution=score if known else None,
        model=chosen.model,
        patch=chosen.patch,
    )


def select_run(
    run: Path, name: str, *, seed: int = 0, merge: bool = False, normal: bool = False
) -> list[Choice]:
    """Choose one attempt at every task of a run, in order of the tasks' names.

    Args:
        run: its folder.
        name: of the selector, or of a verifier.
        seed: settles ties.
        merge: whether attempts with the same patch, once normalised, are one; their judges' scores are averaged.
        normal: whether chosen patches are normalised (:func:`normalised`).

    Raises:
        UsageError: nothing is known that the selector goes by.
        DatasetError: the folder holds no run, or a damaged one.
    """
    tasks = _entries(run, truth=name == "oracle")
    if not any(_knows(entry.scores, name) for entries in tasks.values() for entry in entries):
        verifier = {"hybrid": "execution-free and execution"}.get(name, name)
        raise UsageError(f"{run}: no verdicts to choose by; first: r2egym verify {run} --verifier {verifier}")
    choices = []
    for task in sorted(tasks):
        chosen = choose(name, merged(tasks[task]) if merge else tasks[task], seed=seed)
        choices.append(chosen.model_copy(update={"patch": normalised(chosen.patch)}) if normal else chosen)
    return choices


def write_predictions(choices: Iterable[Choice], path: Path) -> None:
    """Write choices as SWE-bench's predictions; what stands there is replaced, at once. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as aside, aside.open("w", encoding="utf-8", errors="backslashreplace") as stream:
        for choice in choices:
            stream.write(json.dumps(prediction(choice), ensure_ascii=False) + "\n")


def prediction(choice: Choice) -> dict[str, object]:
    """A choice as a line of predictions."""
    return {
        "instance_id": choice.instance_id,
        "model_name_or_path": choice.model,
        "model_patch": choice.patch,
        "attempt": choice.attempt,
        "identity": choice.identity,
        "selector": choice.selector,
    }


def normalised(patch: str) -> str:
    """A patch with the files that grading would apply, in order of their paths; itself where it cannot be read."""
    from r2egym.grading import is_control_path  # heavy, and only wanted here
    from r2egym.mining import PatchError, parse_patch

    try:
        parts = parse_patch(patch)
    except PatchError:
        return patch
    kept = [part for part in parts if not any(map(is_control_path, part.paths))]
    return "".join(part.text for part in sorted(kept, key=lambda part: part.path))


def merged(entries: Sequence[Entry]) -> list[Entry]:
    """Attempts with the same normalised patch as one: the first, with the mean of what judges said of them."""
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        groups.setdefault(_without_ids(normalised(entry.patch)), []).append(entry)
    return [group[0].model_copy(update={"scores": _together(group)}) for group in groups.values()]


def _together(group: Sequence[Entry]) -> Scores:
    def mean(values: Iterable[float | None]) -> float | None:
        known = [value for value in values if value is not None]
        return sum(known) / len(known) if known else None

    rows = [entry.scores for entry in group]
    names = dict.fromkeys(name for row in rows for name in row.other)
    return rows[0].model_copy(
        update={
            "regression": mean(row.regression for row in rows),
            "tests": mean(row.tests for row in rows),
            "judge": mean(row.judge for row in rows),
            "other": {name: mean(row.other.get(name) for row in rows) for name in names},
        }
    )


def _without_ids(patch: str) -> str:
    return "".join(line for line in patch.splitlines(keepends=True) if not line.startswith("index "))


def _entries(run: Path, *, truth: bool) -> dict[str, list[Entry]]:
    verdicts: dict[str, list[Verdict]] = {}
    for (identity, _), verdict in read_verdicts(run).items():
        verdicts.setdefault(identity, []).append(verdict)
    truths = _truths(run) if truth else {}
    tasks: dict[str, list[Entry]] = {}
    for one in read_trajectories(run):
        if one.output_patch or not one.masked:  # what the machinery left without a patch cannot be chosen
            entry = _entry(one, verdicts.get(one.identity, []), truths)
            tasks.setdefault(one.instance_id, []).append(entry)
    return {name: sorted(entries, key=lambda entry: entry.scores.attempt) for name, entries in tasks.items()}


def _entry(one: Trajectory, verdicts: list[Verdict], truths: Mapping[tuple[str, int], float | None]) -> Entry:
    truth = truths.get((one.instance_id, one.attempt))
    return Entry(
        instance_id=one.instance_id,
        identity=one.identity,
        model=one.model or one.agent,
        patch=one.output_patch,
        scores=scores_of(one.attempt, verdicts, truth),
    )


def _truths(run: Path) -> dict[tuple[str, int], float | None]:
    return {(task.instance_id, row.attempt): row.truth for task in read_scores(run) for row in task.rows}


def _knows(scores: Scores, name: str) -> bool:
    fields = NEEDS.get(name)
    if fields is None:
        return scores.other.get(name) is not None
    return all(getattr(scores, field) is not None for field in fields)
