"""``r2egym view``: pages on which one sees what agents did, and why it failed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from r2egym import settings
from r2egym.cli.console import Json, note, print_json, print_text
from r2egym.errors import UsageError

if TYPE_CHECKING:
    from r2egym.viewer import Catalogue

app = typer.Typer(add_completion=False, rich_markup_mode=None)

_AT_ONCE = 1.0
"""Seconds that reading may take before pages are shown; what is left is read while they are."""


@app.command()
def view(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="RUN...", help="Runs, JSONL files of trajectories, datasets, or folders that hold some."
        ),
    ],
    port: Annotated[int, typer.Option("--port", min=0, max=65_535, help="0: any that is free.")] = 8_000,
    host: Annotated[
        str, typer.Option("--host", help="Where to listen; whoever can reach it can read what is open.")
    ] = "127.0.0.1",
    export: Annotated[
        Path | None,
        typer.Option("--export", metavar="FILE.html", help="Write a file that needs no server, and end."),
    ] = None,
    attempt: Annotated[
        str | None,
        typer.Option("--attempt", metavar="TASK#N", help="With --export: only this attempt, on one page."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show runs and datasets in a browser, until Ctrl-C; a run that is under way updates by itself."""
    from r2egym.viewer import Catalogue, find_sources

    home = settings.load().home
    if attempt is not None and export is None:
        raise UsageError("--attempt goes with --export FILE.html")
    catalogue = Catalogue.open(find_sources(paths), home)
    if export is not None:
        _export(catalogue, export, attempt, as_json=as_json)
        return
    from r2egym.viewer.serving import serve

    catalogue.refresh(_AT_ONCE)
    with serve(catalogue, host, port) as (address, run):
        if as_json:
            print_json(
                {"address": address, "runs": list(catalogue.runs), "datasets": list(catalogue.datasets)}
            )
        else:
            print_text(f"{address} shows {_told(catalogue)}; Ctrl-C ends it")
        if host not in {"127.0.0.1", "::1", "localhost"}:
            note(f"whoever can reach {host} can read all of it: there is no password")
        run()


def _told(catalogue: Catalogue) -> str:
    names = [*catalogue.runs, *catalogue.datasets]
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")  # noqa: PLR2004


def _export(catalogue: Catalogue, file: Path, attempt: str | None, *, as_json: bool) -> None:
    from r2egym.viewer import write_attempt, write_overview

    catalogue.build()
    pages = 1
    if attempt is not None:
        write_attempt(catalogue, attempt, file)
    else:
        pages += write_overview(catalogue, file)
    if as_json:
        print_json({"file": str(file), "pages": pages})
    else:
        print_text(f"{file}: {pages} page{'s' if pages > 1 else ''}")
