"""``r2egym select``: one patch a task, chosen by a verifier's scores."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from r2egym.cli.console import Json, print_json, print_text

if TYPE_CHECKING:
    from r2egym.verifiers import Choice

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def select(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder, with verdicts.")],
    verifier: Annotated[
        str,
        typer.Option(
            "--verifier", help="hybrid, execution, execution-free, random, oracle, or any verifier's name."
        ),
    ],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Predictions: JSONL, one line a task.")],
    seed: Annotated[int, typer.Option("--seed", help="Settles ties.")] = 0,
    merge: Annotated[
        bool, typer.Option("--merge", help="Take attempts with the same patch for one.")
    ] = False,
    normalise: Annotated[
        bool,
        typer.Option("--normalise", help="Write patches without tests and control files, files in order."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Choose one attempt at every task, and write its patch as a prediction; `r2egym grade` takes the file."""
    from r2egym.verifiers import read_scores, select_run, write_predictions

    choices = select_run(run, verifier, seed=seed, merge=merge, normal=normalise)
    write_predictions(choices, out)
    truths = {(task.instance_id, row.attempt): row.truth for task in read_scores(run) for row in task.rows}
    known = [truths.get((choice.instance_id, choice.attempt)) for choice in choices]
    for choice, truth in zip(choices, known, strict=True):
        if as_json:
            print_json({**choice.model_dump(mode="json", exclude={"patch", "scores"}), "reward": truth})
        else:
            print_text(_text(choice, truth))
    rewarded = [truth for truth in known if truth is not None]
    if as_json:
        mean = sum(rewarded) / len(rewarded) if rewarded else None
        print_json({"tasks": len(choices), "rewarded": len(rewarded), "resolved": mean})
    else:
        told = f", {sum(rewarded):g} of {len(rewarded)} resolved" if rewarded else ""
        print_text(f"{len(choices)} tasks{told}; {out}")


def _text(choice: Choice, truth: float | None) -> str:
    scores = choice.scores
    parts = [
        f"s_EB {choice.execution:g}" if choice.execution is not None else "",
        f"s_EF {scores.judge:.3f}" if scores.judge is not None else "",
        *(f"{name} {value:g}" for name, value in scores.other.items() if value is not None),
        f"reward {truth:g}" if truth is not None else "",
    ]
    said = f"{choice.instance_id}  #{choice.attempt} of {choice.attempts}"
    return "  ".join(part for part in (said, *parts) if part)
