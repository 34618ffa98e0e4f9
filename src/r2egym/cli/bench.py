"""``r2egym bench``: ours beside the reference, on this machine."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from r2egym import settings
from r2egym.cli.console import Json, print_json, print_text
from r2egym.errors import UsageError

if TYPE_CHECKING:
    from r2egym.bench import BenchLine

_SMALL = 0.1
_LARGE = 1000.0

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def bench(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="What to measure: mining, sandbox, proof, grading, disk, docker, rollouts, bestk, scale or viewer.",
        ),
    ],
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="[ARGUMENTS]...", help="What that takes.")
    ] = None,
    published: Annotated[
        Path | None,
        typer.Option("--published", metavar="DIR", help="With mining: a checkout of the published code."),
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
    if published is not None and name != "mining":
        raise UsageError("--published goes with `bench mining`")
    options = {"published": published} if published is not None else {}
    line: BenchLine
    for line in run(settings.load(), *(arguments or ()), **options):
        print_json(line) if as_json else print_text(_text(line))


def _text(line: BenchLine) -> str:
    reference = "-" if line.reference is None else _number(line.reference)
    ratio = (
        "-" if line.ratio is None else f"{line.ratio:.2f}" if line.ratio >= _SMALL else f"{line.ratio:.2g}"
    )
    note = f"  ({line.note})" if line.note else ""
    return (
        f"{line.name:<44} ours {_number(line.ours)} {line.unit}  reference {reference}  ratio {ratio}{note}"
    )


def _number(number: float) -> str:
    return f"{number:,.0f}" if abs(number) >= _LARGE else f"{number:.3g}"
