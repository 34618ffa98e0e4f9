"""``r2egym stats``: what a dataset holds."""

from __future__ import annotations

from collections import Counter
from statistics import median
from typing import TYPE_CHECKING, Annotated

import typer

from r2egym.cli.console import Json, print_json, print_table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic import JsonValue

    from r2egym.records import Task

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def stats(
    dataset: Annotated[str, typer.Argument(metavar="DATASET", help="A dataset's folder, file, or hub id.")],
    as_json: Json = False,
) -> None:
    """Show what a dataset holds: tasks, tests, sizes, environments."""
    from r2egym.tasks import load_dataset

    found = _count(load_dataset(dataset).tasks)
    if as_json:
        print_json(found)
        return
    from rich.table import Table

    table = Table(show_header=False)
    for name, value in found.items():
        shown = (
            ", ".join(f"{key} {count}" for key, count in value.items())
            if isinstance(value, dict)
            else str(value)
        )
        table.add_row(name, shown)
    print_table(table)


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
