"""``r2egym recollect``: new statements for a dataset that is there."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from r2egym.cli.console import Json, answer_no, print_json, print_text, progress
from r2egym.cli.options import BaseUrl

if TYPE_CHECKING:
    from r2egym.curation.recollect import Recollected
    from r2egym.records import Task

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def recollect(
    dataset: Annotated[str, typer.Argument(metavar="DATASET", help="A dataset's folder, file, or hub id.")],
    writer: Annotated[
        str, typer.Option("--writer", metavar="template|MODEL", help="Who describes the tasks.")
    ],
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="The new dataset's folder; may be the old one.")
    ],
    base_url: BaseUrl = None,
    only: Annotated[
        Literal["all", "template"],
        typer.Option("--only", help="Which rows: all, or those that the template describes."),
    ] = "all",
    task: Annotated[
        list[str] | None, typer.Option("--task", metavar="ID", help="Only this task; may be given again.")
    ] = None,
    jobs: Annotated[int, typer.Option("--jobs", min=1, help="Rows worked on at once.")] = 2,
    as_json: Json = False,
) -> None:
    """Describe the tasks of a dataset anew, without building or running anything; a killed run goes on where it was.

    Exits 1 when a row had to keep its statement, since none that was written passed the checks.
    """
    from r2egym.curation.recollect import recollect as rewrite
    from r2egym.curation.writers import open_writer
    from r2egym.tasks import load_dataset

    rows = load_dataset(dataset)
    names = {rows.find(name).instance_id for name in task} if task else None

    def wanted(row: Task) -> bool:
        return (names is None or row.instance_id in names) and only in {"all", row.issue_source}

    chosen = open_writer(writer, base_url=base_url, strict=True)
    done: list[Recollected] = []
    try:
        with progress() as advance:
            for one in rewrite(rows, chosen, out, wanted=wanted, jobs=jobs):
                done.append(one)
                advance("describing", len(done), None)
                if as_json:
                    print_json(one)
                else:
                    print_text(_text(one))
    finally:
        chosen.close()
    changed = sum(one.changed for one in done)
    if not as_json:
        print_text(f"{changed} of {len(done)} statements are new; {out}")
    if changed < len(done):
        answer_no()


def _text(one: Recollected) -> str:
    told = one.provenance
    complaints = told.get("complaints")
    last = complaints[-1] if isinstance(complaints, list) and complaints else told.get("fallback", "")
    said = f"{one.instance_id}  {'new, by ' + one.source if one.changed else 'kept'}"
    tries = f"  {told['tries']} tries" if "tries" in told else ""
    return said + tries + (f"  complaint: {last}" if last else "")
