"""``r2egym grade``: patches become rewards."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from r2egym.cli.console import Json, answer_no, print_json, print_text, progress
from r2egym.cli.home import ready_home
from r2egym.cli.options import Index, Sandbox, Seal

if TYPE_CHECKING:
    from r2egym.records import Reward

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def grade(
    dataset: Annotated[str, typer.Argument(metavar="DATASET", help="A dataset's folder, file, or hub id.")],
    predictions: Annotated[
        Path, typer.Option("--predictions", metavar="FILE", help="JSONL with instance_id and model_patch.")
    ],
    jobs: Annotated[int, typer.Option("--jobs", min=1, help="Patches graded at once.")] = 2,
    seal: Seal = False,
    sandbox: Sandbox = "bubblewrap",
    report: Annotated[
        Path | None, typer.Option("--report", metavar="FILE", help="Write a report in SWE-bench's form, too.")
    ] = None,
    index: Index = None,
    as_json: Json = False,
) -> None:
    """Grade patches on the tasks of a dataset; one reward a line, in the order of the file.

    Exits 1 when a patch could not be graded: that is no reward of 0.
    """
    from r2egym.building import Builder
    from r2egym.errors import DatasetError
    from r2egym.grading import GradeOptions, Grader
    from r2egym.jobs import Threads
    from r2egym.sandboxes import open_backend
    from r2egym.tasks import Prediction, load_dataset, read_predictions

    asked = list(read_predictions(predictions))
    rows = load_dataset(dataset)
    tasks = {task.instance_id: task for task in rows}
    for prediction in asked:
        if prediction.instance_id not in tasks:
            raise DatasetError(f"{predictions}: no task {prediction.instance_id!r} in {dataset}")
    home = ready_home()
    backend = open_backend(sandbox, home)
    failed = False
    rewards: list[Reward] = []
    with Builder(home, backend=backend, index=index) as builder, progress() as advance:
        grader = Grader(builder, backend, GradeOptions(seal=seal))

        def work(prediction: Prediction) -> Reward:
            return grader.grade(tasks[prediction.instance_id], prediction.model_patch, root=rows.root)

        for number, reward in enumerate(Threads(jobs).map(work, asked), 1):
            advance("grading", number, len(asked))
            failed = failed or reward.failure is not None
            rewards.append(reward)
            if as_json:
                print_json(reward)
            else:
                print_text(_line(reward))
    if report is not None:
        from r2egym.grading import official_report
        from r2egym.tasks.store import write_json

        empty = [one.instance_id for one in asked if not one.model_patch.strip()]
        write_json(report, official_report(rewards, len(rows), empty))
    if failed:
        answer_no()


def _line(reward: Reward) -> str:
    if reward.failure is not None:
        return f"{reward.instance_id}  no reward: {reward.failure.boundary}: {reward.failure.cause}"
    held = [sum(status == "PASSED" for status in part.values()) for part in (reward.f2p, reward.p2p)]
    notes = [f"tampering: {line}" for line in reward.tampering[:1]]
    strong = sum(strength == "strong" for strength in reward.seal.values())
    notes += [f"sealed {strong}/{len(reward.seal)} strongly"] if reward.seal else []
    notes += [f"{len(reward.ignored)} paths ignored"] if reward.ignored else []
    return (
        f"{reward.instance_id}  score {reward.score:g}  mended {held[0]}/{len(reward.f2p)}  "
        f"kept {held[1]}/{len(reward.p2p)}" + "".join(f"  {text}" for text in notes)
    )
