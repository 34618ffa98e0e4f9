"""``r2egym stats``: what a dataset holds, how it came about, and what it takes; what became of a run."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Annotated, Any

import typer

from r2egym import settings
from r2egym.cli.console import Json, print_json, print_table, print_text
from r2egym.cli.curate import funnel_table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic import JsonValue
    from rich.table import Table

    from r2egym.building.weigh import LayersWeight
    from r2egym.records import Task
    from r2egym.tasks import Dataset

app = typer.Typer(add_completion=False, rich_markup_mode=None)

_TOP = 5


@app.command()
def stats(
    datasets: Annotated[
        list[str],
        typer.Argument(
            metavar="DATASET|RUN...", help="A dataset's folder, file, or hub id; or a run's folder."
        ),
    ],
    plot: Annotated[
        Path | None,
        typer.Option(
            "--plot", metavar="FILE", help="Draw all of it (.png, .svg, .pdf; needs the extra plot)."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show what a dataset holds, how it came about, what it takes; what became of a run; of several, one line each."""
    from r2egym.cli.totals import facts_of, is_run, open_all, show_runs
    from r2egym.tasks import load_dataset

    if plot is not None:
        from r2egym.viewer.plots import check_plot

        check_plot(plot)
    runs = [name for name in datasets if is_run(name)]
    found = [(name, _everything(name, load_dataset(name))) for name in datasets if name not in runs]
    told = [facts_of(run) for run in open_all(runs).runs.values()] if runs else []
    if plot is not None:
        from r2egym.viewer.plots import write_plot

        write_plot(open_all(datasets), plot)
    if as_json:
        for facts in [*(facts for _, facts in found), *told]:
            print_json(facts)
        return
    if len(found) == 1:
        _show(found[0][1])
    elif found:
        print_table(_overview(found))
    if told:
        show_runs(told)
    if plot is not None:
        print_text(f"drawn: {plot}")


def _everything(name: str, dataset: Dataset) -> dict[str, Any]:
    """What is known of a dataset; what is not is None."""
    from r2egym.tasks.disk import measure_disk
    from r2egym.tasks.store import TASKS
    from r2egym.tasks.summary import flake, read_times, read_yield, seals, sizes

    root = dataset.root if dataset.root and (dataset.root / TASKS).is_file() else None
    funnel, times = read_yield(root), read_times(root)
    disk = measure_disk(root).model_dump(mode="json") if root else None
    return {
        "dataset": name,
        **_count(dataset.tasks),
        "sizes": sizes(dataset.tasks).model_dump(mode="json"),
        "flake": flake(dataset.tasks).model_dump(mode="json"),
        "seals": seals(dataset.tasks).model_dump(mode="json"),
        "funnel": funnel and funnel.model_dump(mode="json"),
        "time": times and times.model_dump(mode="json"),
        "disk": disk and {**disk, "layers": _layers(dataset).model_dump(mode="json")},
    }


def _layers(dataset: Dataset) -> LayersWeight:
    from r2egym.building.weigh import weigh
    from r2egym.sandboxes import open_backend

    known = settings.load()
    return weigh(dataset.tasks, dataset.root, known, open_backend("memory", known.home))


def _count(tasks: tuple[Task, ...]) -> dict[str, JsonValue]:
    def middle(numbers: list[int]) -> float:
        return float(median(numbers)) if numbers else 0.0

    return {
        "tasks": len(tasks),
        "repositories": _counts(task.repo for task in tasks),
        "pythons": _counts(task.environment.recipe.python for task in tasks),
        "writers": _counts(task.issue_source for task in tasks),
        "environments": len({task.environment.lock for task in tasks}),
        "fail_to_pass": sum(len(task.fail_to_pass) for task in tasks),
        "pass_to_pass": sum(len(task.pass_to_pass) for task in tasks),
        "median_patch_characters": middle([len(task.patch) for task in tasks]),
        "median_statement_characters": middle([len(task.problem_statement) for task in tasks]),
        "flaky": sum(len(task.validation.flaky) for task in tasks),
        "unsupported": sum(len(task.validation.unsupported) for task in tasks),
    }


def _counts(values: Iterable[str]) -> dict[str, JsonValue]:
    return {value: count for value, count in sorted(Counter(values).items())}  # noqa: C416 - widens the type


# --- for people -------------------------------------------------------------------------------------------------


def _show(facts: dict[str, Any]) -> None:
    print_table(_contents(facts))
    print_table(_sizes(facts["sizes"]))
    funnel = facts["funnel"]
    if funnel is None:
        print_text("no funnel.json: where the other commits went is not known")
    else:
        title = f"{funnel['commits']} commits, {funnel['candidates']} candidates, {funnel['built']} built, "
        print_table(funnel_table(funnel, title + f"{funnel['proven']} proven"))
        if funnel["failures"]:
            print_text(f"of {funnel['failures']} candidates nothing is known: the machinery failed")
    if facts["time"] is None:
        print_text("no timing.json: what it took is not known")
    else:
        print_table(_times(facts["time"]))
    if facts["disk"] is None:
        print_text("no folder: what it takes on the disk is not known")
    else:
        print_table(_disk(facts["disk"]))


def _contents(facts: dict[str, Any]) -> Table:
    from rich.table import Table

    table = Table(show_header=False)
    for name, value in facts.items():
        if name == "flake":
            share = f"{value['flaky']} of {value['tests']} tests ({value['share']:.2%})"
            table.add_row("flaky tests", f"{share}, in {value['tasks_with_flaky']} tasks")
            table.add_row(
                "unsupported tests", f"{value['unsupported']}, in {value['tasks_with_unsupported']} tasks"
            )
        elif name == "seals":
            table.add_row("answers withheld", _seals(value))
        elif name in {"repositories", "pythons", "writers"}:
            table.add_row(name, ", ".join(f"{key or 'not known'} {count}" for key, count in value.items()))
        elif not isinstance(value, dict) and value is not None and name not in {"flaky", "unsupported"}:
            table.add_row(name, str(value))
    return table


def _seals(seals: dict[str, Any]) -> str:
    if not seals["tasks"]:
        return "not known"
    tests = ", ".join(f"{strength} {count}" for strength, count in seals["tests"].items())
    told = f"F2P tests {tests}; {seals['forgeable']} of {seals['tasks']} tasks forgeable"
    return told + (f", of {seals['unknown']} not known" if seals["unknown"] else "")


def _sizes(sizes: dict[str, Any]) -> Table:
    from rich.table import Table

    table = Table(title="Sizes of tasks", title_justify="left")
    table.add_column("")
    for name in ("min", "median", "p90", "max"):
        table.add_column(name, justify="right")
    for name, spread in sizes.items():
        table.add_row(name, *(f"{number:g}" for number in spread.values()))
    return table


def _times(times: dict[str, Any]) -> Table:
    from rich.table import Table

    speed = times["candidates_a_minute"]
    title = f"{times['seconds']:.1f} s" + (f", {speed:.1f} candidates a minute" if speed else "")
    title += f", {times['resumed']} done before" if times["resumed"] else ""
    table = Table(title=title, title_justify="left")
    table.add_column("stage")
    for name in ("candidates", "seconds", "median", "p95"):
        table.add_column(name, justify="right")
    for stage, entry in (*times["stages"].items(), ("all", times["candidate"])):
        numbers = (f"{entry[name]:.2f}" for name in ("total", "median", "p95"))
        table.add_row(stage, str(entry["candidates"]), *numbers)
    return table


def _disk(disk: dict[str, Any]) -> Table:
    from rich.filesize import decimal
    from rich.table import Table

    table = Table(title="Disk", title_justify="left")
    for name, how in (("", "left"), ("bytes", "right"), ("a task", "right")):
        table.add_column(name, justify="right" if how == "right" else "left")

    def add(name: str, size: float, share: float | None) -> None:
        table.add_row(name, decimal(int(size)), "" if share is None else decimal(int(share)))

    add("rows", disk["rows"], disk["rows_a_task"])
    add("rows without the full-file columns", disk["rows"] - disk["full_files"], disk["lean_rows_a_task"])
    for name, size in disk["attachments"].items():
        add(f"{name}/ beside them", size, size / disk["tasks"] if disk["tasks"] else None)
    add("journal/, which a finished dataset can do without", disk["journal"], None)
    layers = disk["layers"]
    for usage in layers["kinds"]:
        add(f"cache: {usage['count']} layers of {usage['kind']}", usage["bytes"], None)
    if layers["bytes"]:
        add("cache: what a task more brings", layers["bytes"], layers["bytes_a_task"])
    for kind, count in layers["absent"].items():
        table.add_row(f"cache: none of {kind} for {count} tasks", "", "")
    return table


def _overview(found: list[tuple[str, dict[str, Any]]]) -> Table:
    """One line a dataset."""
    from rich.table import Table

    table = Table(title=f"{len(found)} datasets", title_justify="left")
    table.add_column("dataset", overflow="fold")
    for name in ("commits", "candidates", "built", "proven", "minutes", "bytes a task"):
        table.add_column(name, justify="right")
    table.add_column("top reasons against candidates")
    for name, facts in found:
        table.add_row(name, *_line(facts))
    return table


def _line(facts: dict[str, Any]) -> tuple[str, ...]:
    funnel, times, disk = facts["funnel"], facts["time"], facts["disk"]
    counts = ["?", "?", "?", str(facts["tasks"])]
    reasons = "no funnel.json"
    if funnel is not None:
        counts = [str(funnel[name]) for name in ("commits", "candidates", "built", "proven")]
        reasons = ", ".join(f"{reason} {count}" for reason, count in [*funnel["reasons"].items()][:_TOP])
    minutes = "?"
    if times is not None:
        minutes = f"{times['seconds'] / 60:.1f}" + (
            f" ({times['resumed']} resumed)" if times["resumed"] else ""
        )
    size = f"{disk['rows_a_task']:,.0f}" if disk and disk["rows_a_task"] else "?"
    return (*counts, minutes, size, reasons)
