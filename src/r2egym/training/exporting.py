"""From attempts to files that a trainer, a grader or another viewer reads."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from r2egym.errors import UsageError
from r2egym.records import Trajectory
from r2egym.training.atif import to_atif
from r2egym.training.attempts import Exported, read_attempts
from r2egym.training.checks import check_atif, check_conversations, check_predictions, check_tokens
from r2egym.training.choosing import balanced, capped, distinct
from r2egym.training.conversations import Openings
from r2egym.training.files import staged, write_conversations, write_lines, write_tokens
from r2egym.training.filters import FILTERS, LATER, reject
from r2egym.training.options import ExportOptions, ExportReport, Lengths, Purpose
from r2egym.training.rows import Row, conversation_row, token_row, verifier_row
from r2egym.training.tokens import Tokens, open_tokens

PURPOSES: tuple[Purpose, ...] = ("editing", "testing", "verifier", "rl", "atif", "predictions")
_NEED_TASKS = frozenset({"editing", "testing", "verifier", "rl"})


def export(
    sources: Sequence[Path],
    folder: Path,
    options: ExportOptions,
    *,
    report: Callable[[int], None] | None = None,
) -> ExportReport:
    """Write what attempts of some runs amount to.

    Args:
        sources: runs' folders, JSONL files of trajectories, files of ATIF.
        folder: where to; made when it is not there.
        options: for which purpose, and on which terms.
        report: is told how many attempts were looked at.

    Returns:
        What was written, with the paths of its files.

    Raises:
        UsageError: nothing is left to write, a tokenizer or dataset is not there, an option makes no sense.
        DatasetError: a source is damaged, or what was written does not hold. Nothing is then left of it.
        OSError: the folder cannot be written.
    """
    _check_reasons(options)
    if options.purpose == "rl" and options.tokenizer is None:
        raise UsageError("--for rl writes token ids, so it needs --tokenizer: a folder with tokenizer.json")
    tokens = open_tokens(options.tokenizer)
    asks = not {"near-duplicate", "swebench"} <= set(options.keep) or options.min_seal != "none"
    need_tasks = options.purpose in _NEED_TASKS and asks
    attempts = read_attempts(sources, options.dataset, need_tasks=need_tasks)
    if options.purpose in {"atif", "predictions"}:
        return _exchange(attempts, folder, options, report)
    rows, told = _rows(attempts, options, tokens, report)
    if not rows:
        raise UsageError(_nothing(sources, told))
    with staged(folder) as aside:
        if options.purpose == "rl":
            written = write_tokens(aside, rows, tokens.name)
            check_tokens(written[0], rows, tokens)
        else:
            written = write_conversations(aside, rows, options)
            check_conversations(written[0], rows, options, tokens)
    return told.model_copy(
        update={
            **_statistics(rows, tokens),
            "masked": sum(row.value["masked"] for row in rows) if options.purpose == "rl" else None,
            "positives": sum(row.positive for row in rows) if options.purpose in {"verifier", "rl"} else None,
            "files": tuple(folder / path.name for path in written),
            "sample": json.loads(json.dumps(rows[0].value)),
        }
    )


def _check_reasons(options: ExportOptions) -> None:
    known = [*FILTERS[options.purpose], *LATER]
    for reason in options.keep:
        if reason not in known:
            raise UsageError(f"--keep {reason}: --for {options.purpose} rejects for: {', '.join(known)}")


def _rows(
    attempts: Iterable[Exported], options: ExportOptions, tokens: Tokens, report: Callable[[int], None] | None
) -> tuple[list[Row], ExportReport]:
    """The rows that are taken, and what became of all others."""
    make = _maker(options, tokens)
    rejected: Counter[str] = Counter(dict.fromkeys([*FILTERS[options.purpose], *LATER], 0))
    rows: list[Row] = []
    looked_at = unmarked = 0
    for one in attempts:
        looked_at += 1
        if report is not None:
            report(looked_at)
        reason = reject(one, options)
        if reason is None:
            unmarked += one.task is not None and one.task.swebench is None
            row = make(one.trajectory)
            if options.longest and row.tokens > options.longest and "too-long" not in options.keep:
                reason = "too-long"
            else:
                rows.append(row)
        if reason is not None:
            rejected[reason] += 1
    chosen = _chosen(rows, options, rejected)
    chosen.sort(key=lambda row: (row.instance_id, row.value["attempt"], row.identity))
    return chosen, ExportReport(
        purpose=options.purpose,
        rows=len(chosen),
        tasks=len({row.instance_id for row in chosen}),
        attempts=looked_at,
        rejected={reason: count for reason, count in rejected.items() if count},
        unmarked=unmarked,
    )


def _maker(options: ExportOptions, tokens: Tokens) -> Callable[[Trajectory], Row]:
    openings = Openings(options.opening, "test" if options.purpose == "testing" else "edit")
    if options.purpose == "verifier":
        return lambda trajectory: verifier_row(trajectory, options, tokens)
    if options.purpose == "rl":
        return lambda trajectory: token_row(trajectory, openings, tokens)
    return lambda trajectory: conversation_row(trajectory, openings, options, tokens)


def _chosen(rows: list[Row], options: ExportOptions, rejected: Counter[str]) -> list[Row]:
    if options.purpose == "rl":  # groups of attempts at one task are what is learned from
        return capped(rows, options.cap, options.seed, rejected)
    if "repeated" not in options.keep:
        rows = distinct(rows, rejected)
    if options.purpose == "verifier":
        return balanced(rows, options.cap, options.seed, rejected)
    return capped(rows, options.cap, options.seed, rejected)


def _statistics(rows: Sequence[Row], tokens: Tokens) -> dict[str, Any]:
    sizes = sorted(row.tokens for row in rows)
    return {
        "turns": sum(row.turns for row in rows),
        "tokens": Lengths(
            least=sizes[0],
            median=sizes[len(sizes) // 2],
            p90=sizes[(len(sizes) * 9) // 10],
            most=sizes[-1],
            total=sum(sizes),
            estimated=tokens.estimated,
        ),
    }


def _nothing(sources: Sequence[Path], told: ExportReport) -> str:
    where = ", ".join(map(str, sources))
    if not told.attempts:
        return f"{where}: no attempt has ended, so there is nothing to export"
    reasons = ", ".join(f"{count} {reason}" for reason, count in told.rejected.items())
    return f"{where}: none of {told.attempts} attempts is left ({reasons}); --keep REASON takes such ones"


# --- formats for exchange, which take every attempt as it is ------------------------------------------------------


def _exchange(
    attempts: Iterable[Exported], folder: Path, options: ExportOptions, report: Callable[[int], None] | None
) -> ExportReport:
    found: list[Trajectory] = []
    for one in attempts:
        found.append(one.trajectory)
        if report is not None:
            report(len(found))
    if not found:
        raise UsageError("no attempt has ended, so there is nothing to export")
    write = _write_atif if options.purpose == "atif" else _write_predictions
    with staged(folder) as aside:
        files, rows, sample = write(aside, found)
    lost = len(found) - rows
    return ExportReport(
        purpose=options.purpose,
        rows=rows,
        tasks=len({one.instance_id for one in found}),
        attempts=len(found),
        rejected={"masked": lost} if lost else {},
        turns=sum(len(one.trajectory_steps) for one in found),
        files=tuple(folder / path.name for path in files),
        sample=sample,
    )


def _write_atif(folder: Path, found: Sequence[Trajectory]) -> tuple[list[Path], int, dict[str, Any]]:
    values = [to_atif(one) for one in found]
    path = write_lines(folder / "r2egym_atif.jsonl", values)
    check_atif(path, found)
    return [path], len(values), values[0]


def _write_predictions(folder: Path, found: Sequence[Trajectory]) -> tuple[list[Path], int, dict[str, Any]]:
    """A file for each attempt at all tasks: SWE-bench's harness takes one patch a task.

    What the machinery left without a patch is left out: an empty patch would say that the agent changed nothing.
    """
    files: dict[int, list[dict[str, str]]] = defaultdict(list)
    places: Counter[str] = Counter()
    for one in sorted(found, key=lambda one: (one.instance_id, one.attempt)):
        if one.masked and not one.output_patch:
            continue
        line = {
            "instance_id": one.instance_id,
            "model_name_or_path": one.model or one.agent or "unknown",
            "model_patch": one.output_patch,
        }
        files[places[one.instance_id]].append(line)
        places[one.instance_id] += 1
    if not files:
        raise UsageError(f"none of {len(found)} attempts has a patch: the machinery failed in all of them")
    paths = []
    for number, lines in sorted(files.items()):
        name = "predictions.jsonl" if len(files) == 1 else f"predictions-{number}.jsonl"
        paths.append(write_lines(folder / name, lines))
        check_predictions(paths[-1], len(lines))
    return paths, sum(map(len, files.values())), dict(files[0][0])
