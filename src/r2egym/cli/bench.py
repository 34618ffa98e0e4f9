"""``r2egym bench``: ours beside the reference, on this machine."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from typing import Annotated

import typer

from r2egym import settings
from r2egym.cli.console import Json, print_json, print_text
from r2egym.errors import UsageError

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def bench(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What to measure, such as mining or sandbox.")],
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="[ARGUMENTS]...", help="What that takes.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Measure against the reference: name, ours, reference, ratio a line."""
    import r2egym.bench as room

    names = sorted(
        module.name for module in pkgutil.iter_modules(room.__path__) if not module.name.startswith("_")
    )
    if name not in names:
        raise UsageError(f"nothing to measure is called {name!r}; there is: {', '.join(names)}")
    run = importlib.import_module(f"r2egym.bench.{name}").run
    for row in run(settings.load(), *(arguments or ())):
        if as_json:
            print_json(row)
        else:
            reference = "-" if row["reference"] is None else f"{row['reference']:g}"
            ratio = "-" if row["ratio"] is None else f"{row['ratio']:.2f}"
            print_text(f"{row['name']:<44} ours {row['ours']:g}  reference {reference}  ratio {ratio}")
