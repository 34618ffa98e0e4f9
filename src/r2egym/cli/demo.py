"""``r2egym demo``: the whole loop on the bundled repository, offline and without a model."""

from __future__ import annotations

import json
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from r2egym.cli.console import Json, answer_no, note, print_json, print_table, print_text, progress
from r2egym.cli.home import ready_home

if TYPE_CHECKING:
    from r2egym.curation import Curated
    from r2egym.demo import Demo
    from r2egym.records import Reward, Task
    from r2egym.tasks import Dataset

app = typer.Typer(add_completion=False, rich_markup_mode=None)

_CHEAT = "conftest_report"
"""A planted ``conftest.py`` that reports every test as passed: the cheat that wins where grading trusts the tree."""
_RUNS = 2
_WANTED = {"gold": 1.0, "empty": 0.0, "cheat": 0.0}


@app.command()
def demo(
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Keep what it makes; DIR/tasks is the dataset."),
    ] = None,
    jobs: Annotated[int, typer.Option("--jobs", min=1, help="Candidates worked on at once.")] = 2,
    as_json: Json = False,
) -> None:
    """Watch a bundled history become executable tasks that are built, proved and graded: gold 1, empty 0, cheat 0."""
    from r2egym.demo import unpack
    from r2egym.tasks import load_dataset

    began = time.monotonic()
    with ExitStack() as stack:
        folder = out or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="r2egym-demo-")))
        folder.mkdir(parents=True, exist_ok=True)
        bundled = unpack(folder / "bundled")
        curated = _curate(bundled, folder / "tasks", jobs)
        dataset = load_dataset(folder / "tasks")
        rewards = _grade(dataset, jobs)
        seconds = time.monotonic() - began
        if as_json:
            for name, reward in rewards:
                print_json({"patch": name, **reward.model_dump(mode="json")})
            print_json({**curated.model_dump(mode="json"), "seconds": round(seconds, 1)})
        else:
            _show(folder / "tasks", curated, dataset, rewards)
            kept = (
                f"; the dataset is in {folder / 'tasks'}"
                if out
                else "; run it with --out DIR to keep the dataset"
            )
            print_text(f"{len(dataset)} tasks, {len(rewards)} patches graded, {seconds:.1f} s{kept}")
    wrong = [f"{reward.instance_id}: {name}" for name, reward in rewards if reward.score != _WANTED[name]]
    for line in wrong:
        note(f"not as it should be: {line}")
    if wrong or not rewards:
        answer_no()


def _curate(bundled: Demo, out: Path, jobs: int) -> Curated:
    from r2egym.curation import CurateConfig, Options, curate

    config = CurateConfig(source=str(bundled.repository), index=bundled.index, options=Options(runs=_RUNS))
    with progress() as advance:
        return curate(
            config,
            out,
            ready_home(),
            jobs=jobs,
            report=lambda now: advance(f"{now.tasks} tasks proved", now.done, now.candidates),
        )


def _grade(dataset: Dataset, jobs: int) -> list[tuple[str, Reward]]:
    """Gold, empty and a cheat of every task, on rows read back from the file."""
    from r2egym.attacks import Target, attack
    from r2egym.building import Builder
    from r2egym.grading import Grader
    from r2egym.jobs import Threads
    from r2egym.sandboxes import open_backend

    home = ready_home()
    backend = open_backend("bubblewrap", home)
    cheat = attack(_CHEAT)
    with Builder(home, backend=backend) as builder, progress() as advance:
        grader = Grader(builder, backend)

        def work(case: tuple[Task, str]) -> tuple[str, Reward]:
            task, name = case
            patch = task.patch if name == "gold" else ""
            if name == "cheat":
                patch = cheat.patch(Target(task, builder.for_task(task, dataset.root).repository))
            return name, grader.grade(task, patch, root=dataset.root)

        cases = [(task, name) for task in dataset for name in _WANTED]
        rewards = []
        for graded in Threads(jobs).map(work, cases):
            rewards.append(graded)
            advance("grading", len(rewards), len(cases))
        return rewards


def _show(folder: Path, curated: Curated, dataset: Dataset, rewards: list[tuple[str, Reward]]) -> None:
    from rich.table import Table

    from r2egym.cli.curate import funnel_table

    funnel: dict[str, Any] = json.loads((folder / "funnel.json").read_text(encoding="utf-8"))
    print_table(
        funnel_table(funnel, f"{curated.commits} commits of {dataset.tasks[0].repo if dataset.tasks else ''}")
    )
    table = Table(title="Tasks, proved and graded", title_justify="left")
    for column in ("task", "what is asked"):
        table.add_column(column)
    for column in ("mend", "keep", *_WANTED):
        table.add_column(column, justify="right")
    scores = {(reward.instance_id, name): reward for name, reward in rewards}
    for task in dataset:
        asked = task.problem_statement.partition("\n")[0]
        cells = [_cell(scores[task.instance_id, name], _WANTED[name]) for name in _WANTED]
        table.add_row(
            task.instance_id, asked, str(len(task.fail_to_pass)), str(len(task.pass_to_pass)), *cells
        )
    print_table(table)


def _cell(reward: Reward, wanted: float) -> str:
    if reward.score is None:
        return "[red]none[/red]"
    return f"[{'green' if reward.score == wanted else 'red'}]{reward.score:g}[/]"
