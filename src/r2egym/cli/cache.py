"""``r2egym cache``: what is kept under ``$R2EGYM_HOME``. All of it may go at any time; the next use makes it again."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

import typer

from r2egym import settings
from r2egym.cli.console import Json, print_json, print_table, print_text
from r2egym.cli.home import clean
from r2egym.errors import UsageError

if TYPE_CHECKING:
    from r2egym.building import Usage

app = typer.Typer(add_completion=False, rich_markup_mode=None)
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


@app.callback(invoke_without_command=True)
def cache(context: typer.Context) -> None:
    """Show or clean what is kept on this machine; all of it can be made again."""
    if context.invoked_subcommand is None:
        print_text(context.get_help())


@app.command()
def show(as_json: Json = False) -> None:
    """Show how much of the disk each kind of thing takes."""
    from r2egym.building import LayerStore

    _print(LayerStore(settings.load().home).usage(), as_json=as_json)


@app.command()
def prune(
    max_size: Annotated[str, typer.Option("--max-size", metavar="SIZE", help="What may stay, such as 20G.")],
    as_json: Json = False,
) -> None:
    """Delete what was used longest ago until the rest fits; what is in use stays."""
    from r2egym.building import LayerStore

    _print(LayerStore(settings.load().home).prune(_bytes(max_size)), as_json=as_json)


@app.command()
def reap(as_json: Json = False) -> None:
    """Remove what killed processes left: sandboxes, half-built layers."""
    removed, freed = clean(settings.load().home)
    if as_json:
        print_json({"removed": list(removed), "freed_bytes": freed})
    else:
        print_text(f"{len(removed)} leftovers removed, {freed} bytes freed")


@app.command()
def clear(as_json: Json = False) -> None:
    """Delete everything that is not in use."""
    from r2egym.building import LayerStore

    home = settings.load().home
    clean(home)
    _print(LayerStore(home).prune(0), as_json=as_json)


def _print(usage: tuple[Usage, ...], *, as_json: bool) -> None:
    if as_json:
        for entry in usage:
            print_json(entry)
        return
    from rich.filesize import decimal
    from rich.table import Table

    table = Table("kind", "count", "size")
    for entry in usage:
        table.add_row(entry.kind, str(entry.count), decimal(entry.bytes))
    table.add_row("all", "", decimal(sum(entry.bytes for entry in usage)))
    print_table(table)


def _bytes(text: str) -> int:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?", text.strip(), re.IGNORECASE)
    if match is None:
        raise UsageError(f"--max-size {text}: expected a number and a unit, such as 500M or 20G")
    return int(float(match[1]) * _UNITS[match[2].upper()])
