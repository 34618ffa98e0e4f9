"""``r2egym export``: what agents did, as rows that trainers read, or in other people's formats."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from r2egym.cli.console import Json, note, print_json, print_text, progress

if TYPE_CHECKING:
    from r2egym.training import ExportReport

app = typer.Typer(add_completion=False, rich_markup_mode=None)

_SHOWN = 600
"""Characters of a sample's message that people see."""


@app.command()
def export(
    runs: Annotated[
        list[Path],
        typer.Argument(metavar="RUN...", help="Runs' folders, JSONL files of trajectories, or ATIF files."),
    ],
    purpose: Annotated[
        Literal["editing", "testing", "verifier", "rl", "atif", "predictions"],
        typer.Option("--for", help="Whom it is for."),
    ],
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Where to; several exports may share a folder.")
    ],
    tokenizer: Annotated[
        str | None,
        typer.Option(
            "--tokenizer",
            metavar="PATH",
            help="A folder with tokenizer.json, or a model in the hub's cache; else lengths are estimates. rl needs it.",
        ),
    ] = None,
    max_tokens: Annotated[
        int | None,
        typer.Option("--max-tokens", min=1, help="Longest row (default: 20480, of verifier and rl 32768)."),
    ] = None,
    per_task: Annotated[
        int | None,
        typer.Option(
            "--per-task",
            min=0,
            help="Most rows of one task; 0: all (default: 4; verifier: one of each kind).",
        ),
    ] = None,
    thoughts: Annotated[
        Literal["keep", "require", "drop"],
        typer.Option("--thoughts", help="Whether attempts must say something before their calls."),
    ] = "keep",
    log: Annotated[
        Literal["whole", "no-thoughts", "patch-only"],
        typer.Option("--log", help="How much of an attempt a verifier's rows show."),
    ] = "whole",
    opening: Annotated[
        str,
        typer.Option(
            "--opening",
            metavar="auto|recorded|YAML",
            help="The prompts of the rows: those that the attempt had where they fit, or an agent's.",
        ),
    ] = "auto",
    judge_prompt: Annotated[
        Path | None,
        typer.Option("--judge-prompt", metavar="YAML", help="Other words of a verifier's rows."),
    ] = None,
    keep: Annotated[
        list[str] | None,
        typer.Option(
            "--keep",
            metavar="REASON",
            help="Take what is rejected for this reason (near-duplicate, swebench, …); may be given again.",
        ),
    ] = None,
    min_seal: Annotated[
        Literal["none", "polarity", "strong"],
        typer.Option(
            "--min-seal",
            help="Only attempts at tasks with an F2P test whose answer is withheld this strongly.",
        ),
    ] = "none",
    dataset: Annotated[
        str | None,
        typer.Option("--dataset", metavar="DATASET", help="Where the tasks are (default: as the run says)."),
    ] = None,
    seed: Annotated[
        int, typer.Option("--seed", help="Decides among rows of a task, where not all are taken.")
    ] = 0,
    as_json: Json = False,
) -> None:
    """Write rows to train on, or attempts in another format; tell how many, how long, and what was left out and why.

    editing, testing, verifier: conversations for supervised fine-tuning, with dataset_info.json. rl: token ids, masks,
    rewards. atif: interchange. predictions: patches for SWE-bench's harness. What is written is read back and checked first.
    """
    from r2egym.training import ExportOptions, export
    from r2egym.verifiers import read_prompt

    options = ExportOptions(
        purpose=purpose,
        dataset=dataset,
        tokenizer=tokenizer,
        max_tokens=max_tokens,
        per_task=per_task,
        thoughts=thoughts,
        keep=tuple(keep or ()),
        min_seal=min_seal,
        log=log,
        opening=opening,
        judge=read_prompt(judge_prompt) if judge_prompt else None,
        seed=seed,
    )
    with progress() as advance:
        report = export(runs, out, options, report=lambda done: advance("attempts", done, None))
    if as_json:
        print_json(report)
        return
    for line in _lines(report):
        print_text(line)
    if report.unmarked:
        note(
            f"{report.unmarked} attempts are at tasks of which nobody has looked whether SWE-bench has their repository"
        )


def _lines(report: ExportReport) -> list[str]:
    lines = [f"{report.rows} rows of {report.tasks} tasks, from {report.attempts} attempts"]
    lines += [f"  left out: {count} {reason}" for reason, count in report.rejected.items()]
    if report.positives is not None:
        lines.append(f"  rewarded: {report.positives}, not rewarded: {report.rows - report.positives}")
    if report.masked:
        lines.append(f"  of these without a reward: {report.masked}")
    if report.tokens is not None:
        told = report.tokens
        how = "estimated" if told.estimated else "by the tokenizer"
        lines.append(
            f"  tokens a row, {how}: {told.least} to {told.most}, median {told.median}, 90% up to {told.p90}, "
            f"{told.total} in all; {report.turns} turns of models"
        )
    return [*lines, *(f"written: {path}" for path in report.files), "a sample:", *_sample(report)]


def _sample(report: ExportReport) -> list[str]:
    messages = report.sample.get("messages")
    if isinstance(messages, list):
        found = [message for message in messages if isinstance(message, dict)]
        shown = found if len(found) <= 4 else [*found[:3], found[-1]]  # noqa: PLR2004 - the ends tell enough
        return [f"  {message['role']}: {_short(str(message['content']))}" for message in shown]
    return [f"  {name}: {_short(str(value))}" for name, value in report.sample.items()]


def _short(text: str) -> str:
    whole = " ".join(text.split())
    return whole if len(whole) <= _SHOWN else f"{whole[: _SHOWN // 2]} … {whole[-_SHOWN // 2 :]}"
