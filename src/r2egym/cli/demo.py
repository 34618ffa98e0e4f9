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
    from pydantic import JsonValue

    from r2egym.curation import Curated
    from r2egym.demo import Demo
    from r2egym.rollouts import Summary
    from r2egym.tasks import Dataset

app = typer.Typer(add_completion=False, rich_markup_mode=None)

_CHEAT = "conftest_report"
"""A planted ``conftest.py`` that reports every test as passed: the cheat that wins where grading trusts the tree."""
_RUNS = 2
_CANDIDATES = 3
"""The newest ones: all of them take many minutes on a small machine."""
_WANTED = {"gold": 1.0, "empty": 0.0, "cheat": 0.0}
_NAMES = tuple(_WANTED)
"""What each attempt tries."""
_CHOICE = "selection.jsonl"


@app.command()
def demo(
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="DIR",
            help="Keep what it makes: DIR/tasks, DIR/run, DIR/selection.jsonl, and DIR/index.html, which shows them.",
        ),
    ] = None,
    limit: Annotated[
        int, typer.Option("--limit", min=0, help="The newest candidates to take; 0: all of them.")
    ] = _CANDIDATES,
    jobs: Annotated[int, typer.Option("--jobs", min=1, help="Candidates worked on at once.")] = 2,
    as_json: Json = False,
) -> None:
    """Watch a bundled history become executable tasks that are built and proved, and three attempts at each, gold 1, empty 0, cheat 0, of which a verifier chooses one."""
    from r2egym.demo import unpack
    from r2egym.tasks import load_dataset

    began = time.monotonic()
    with ExitStack() as stack:
        folder = out or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="r2egym-demo-")))
        folder.mkdir(parents=True, exist_ok=True)
        bundled = unpack(folder / "bundled")
        curated = _curate(bundled, folder / "tasks", limit or None, jobs)
        dataset = load_dataset(folder / "tasks")
        attempts = _run(dataset, folder, jobs) if len(dataset) else []
        chosen = _choose(dataset, folder, bundled.generated, jobs) if len(dataset) else {}
        if out:
            _write_page(folder)
        seconds = time.monotonic() - began
        if as_json:
            for attempt in attempts:
                told: dict[str, JsonValue] = {
                    "patch": _NAMES[attempt.attempt],
                    "chosen": chosen[attempt.instance_id] == attempt.attempt,
                }
                print_json({**told, **attempt.model_dump(mode="json")})
            print_json({**curated.model_dump(mode="json"), "seconds": round(seconds, 1)})
        else:
            _show(folder / "tasks", curated, dataset, attempts, chosen)
            kept = (
                f"; look at {folder / 'index.html'}"
                if out
                else "; run it with --out DIR to keep and see it all"
            )
            print_text("chosen: by tests that a verifier may see; what they cannot tell apart, by lot")
            print_text(f"{len(dataset)} tasks, {len(attempts)} attempts, {seconds:.1f} s{kept}")
    wrong = [
        f"{one.instance_id}: {name}" for one in attempts if one.score != _WANTED[name := _NAMES[one.attempt]]
    ]
    for line in wrong:
        note(f"not as it should be: {line}")
    if wrong or not attempts:
        answer_no()


def _curate(bundled: Demo, out: Path, limit: int | None, jobs: int) -> Curated:
    from r2egym.curation import CurateConfig, Options, curate
    from r2egym.mining import MiningConfig

    config = CurateConfig(
        source=str(bundled.repository),
        mining=MiningConfig(limit=limit),
        index=bundled.index,
        options=Options(runs=_RUNS),
    )
    with progress() as advance:
        return curate(
            config,
            out,
            ready_home(),
            jobs=jobs,
            report=lambda now: advance(f"{now.tasks} tasks proved", now.done, now.candidates),
        )


def _run(dataset: Dataset, out: Path, jobs: int) -> list[Summary]:
    """Three attempts at every task: one puts the gold patch in place, one does nothing, one cheats."""
    from r2egym.agents import patching
    from r2egym.attacks import Target, attack
    from r2egym.environment import Facilities
    from r2egym.rollouts import Run, RunOptions, agent_spec
    from r2egym.sandboxes import open_backend

    home = ready_home()
    cheat = attack(_CHEAT)
    with Facilities(home, open_backend("bubblewrap", home)) as facilities, progress() as advance:
        turns: dict[str, list[str]] = {}
        for task in dataset:
            repository = facilities.built(task, dataset.root).repository
            patches = task.patch, "", cheat.patch(Target(task, repository))
            turns |= {f"{task.instance_id}#{number}": patching(patch) for number, patch in enumerate(patches)}
        script = out / "script.json"
        script.write_text(json.dumps(turns), encoding="utf-8")
        run = Run(
            out / "run",
            [(task, dataset.root) for task in dataset],
            agent_spec(f"script:{script}"),
            RunOptions(attempts=len(_WANTED), jobs=jobs),
            facilities,
            source=str(out / "tasks"),
            report=lambda now: advance("attempts", now.done, now.total),
        )
        return list(run)


def _choose(dataset: Dataset, out: Path, generated: Path, jobs: int) -> dict[str, int]:
    """By task, the attempt that the execution-based verifier would hand in; it sees no hidden test."""
    from r2egym.environment import Facilities
    from r2egym.sandboxes import open_backend
    from r2egym.verifiers import read_tests, verify_and_select

    home = ready_home()
    with Facilities(home, open_backend("bubblewrap", home)) as facilities, progress() as advance:
        choices = verify_and_select(
            out / "run",
            dataset,
            facilities,
            out / _CHOICE,
            tests=read_tests(generated),
            jobs=jobs,
            report=lambda done, total: advance("verified", done, total),
        )
    return {choice.instance_id: choice.attempt for choice in choices}


def _write_page(folder: Path) -> None:
    """A page of all that was made, which needs no server."""
    from r2egym.viewer import Catalogue, find_sources, write_overview

    catalogue = Catalogue.open(find_sources([folder / "run", folder / "tasks"]), ready_home())
    catalogue.build()
    write_overview(catalogue, folder / "index.html", title="R2E-Gym, the bundled demo")


def _show(
    folder: Path, curated: Curated, dataset: Dataset, attempts: list[Summary], chosen: dict[str, int]
) -> None:
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
    table.add_column("chosen")
    scores = {(one.instance_id, _NAMES[one.attempt]): one for one in attempts}
    for task in dataset:
        asked = task.problem_statement.partition("\n")[0]
        cells = [_cell(scores[task.instance_id, name], _WANTED[name]) for name in _WANTED]
        table.add_row(
            task.instance_id,
            asked,
            str(len(task.fail_to_pass)),
            str(len(task.pass_to_pass)),
            *cells,
            _NAMES[chosen[task.instance_id]],
        )
    print_table(table)


def _cell(reward: Summary, wanted: float) -> str:
    if reward.score is None:
        return "[red]none[/red]"
    return f"[{'green' if reward.score == wanted else 'red'}]{reward.score:g}[/]"
