"""``r2egym bestk``: what choosing one of K attempts is worth, selector by selector."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from r2egym.cli.console import Json, note, print_json, print_table, print_text

if TYPE_CHECKING:
    from pydantic import JsonValue

    from r2egym.verifiers import BestOfK, Curve

app = typer.Typer(add_completion=False, rich_markup_mode=None)

_KEYS = {
    "oracle": "pass",
    "execution": "execution",
    "execution-free": "execution_free",
    "hybrid": "hybrid",
    "random": "random",
}
_HEADS = {"oracle": "Pass@K"}
_ROWS = 10
"""Most rows of the table without --table."""


@app.command()
def bestk(
    source: Annotated[
        str,
        typer.Argument(
            metavar="RUN|FILE|ID", help="A run's folder, a file or folder of predictions, or their hub id."
        ),
    ],
    plot: Annotated[
        Path | None, typer.Option("--plot", metavar="PNG", help="Draw the curves (needs the extra plot).")
    ] = None,
    table: Annotated[bool, typer.Option("--table", help="Print every K, with intervals.")] = False,
    k: Annotated[list[int] | None, typer.Option("-k", min=1, help="Only this K; may be given again.")] = None,
    selector: Annotated[
        list[str] | None,
        typer.Option(
            "--selector", metavar="NAME", help="Also a curve by this verifier's scores; may be given again."
        ),
    ] = None,
    confidence: Annotated[
        float, typer.Option("--confidence", min=0.5, max=0.999, help="Of the intervals.")
    ] = 0.95,
    seed: Annotated[int, typer.Option("--seed", help="Of the intervals' bootstrap over tasks.")] = 0,
    as_json: Json = False,
) -> None:
    """Best@K of every selector, and Pass@K: exact expectations over random K of the attempts, in percent.

    Masked attempts are left out; a task counts at K when it has at least K attempts with a reward.
    """
    from r2egym.verifiers import CURVES, best_of_k, load_scores, read_scores
    from r2egym.verifiers.runs import is_run

    if plot is not None:
        from r2egym.viewer.plots import check_plot

        check_plot(plot)
    path = Path(source)
    run = path.is_dir() and is_run(path)
    tasks = read_scores(path) if run else load_scores(source)
    names = (*CURVES, *(name for name in selector or () if name not in CURVES))
    found = best_of_k(tasks, ks=k, selectors=names, confidence=confidence, seed=seed)
    if plot is not None:
        from r2egym.viewer.plots import write_best_of_k

        write_best_of_k(found, plot)
    if as_json:
        print_json(_json(found))
    else:
        _show(found, every=table)
        if plot is not None:
            print_text(f"drawn: {plot}")
    unknown = [name for name, curve in found.curves.items() if curve.mean[0] is None]
    if unknown:
        note(f"nothing is known to choose by: {', '.join(unknown)}" + ("; see r2egym verify" if run else ""))


def _json(found: BestOfK) -> dict[str, JsonValue]:
    curves = {_KEYS.get(name, name): curve for name, curve in found.curves.items()}
    intervals: dict[str, JsonValue] = {
        key: {"low": _percent(curve.low), "high": _percent(curve.high)} for key, curve in curves.items()
    }
    return {
        "tasks": list(found.tasks),
        "attempts": found.attempts,
        "masked": found.masked,
        "confidence": found.confidence,
        "intervals": intervals,
        "k": list(found.k),
        **{key: _percent(curve.mean) for key, curve in curves.items()},
    }


def _percent(values: tuple[float | None, ...]) -> list[JsonValue]:
    return [None if value is None else round(100 * value, 6) for value in values]


def _show(found: BestOfK, *, every: bool) -> None:
    from rich.table import Table

    masked = f", {found.masked} of them masked" if found.masked else ""
    grid = Table(
        title=f"Best@K in percent: {found.tasks[0]} tasks, {found.attempts} attempts{masked}",
        title_justify="left",
    )
    grid.add_column("K", justify="right")
    varying = len(set(found.tasks)) > 1
    if varying:
        grid.add_column("tasks", justify="right")
    for name in found.curves:
        grid.add_column(_HEADS.get(name, name), justify="right")
    places = range(len(found.k)) if every or len(found.k) <= _ROWS else _spread(len(found.k))
    for place in places:
        cells = [_cell(curve, place, every=every) for curve in found.curves.values()]
        grid.add_row(str(found.k[place]), *([str(found.tasks[place])] if varying else []), *cells)
    print_table(grid)


def _spread(count: int) -> list[int]:
    """Some places from the first to the last."""
    return sorted({round(step * (count - 1) / 5) for step in range(6)})


def _cell(curve: Curve, place: int, *, every: bool) -> str:
    mean, low, high = curve.mean[place], curve.low[place], curve.high[place]
    if mean is None:
        return "-"
    if not every or low is None or high is None:
        return f"{100 * mean:.1f}"
    return f"{100 * mean:.1f} ({100 * low:.1f}-{100 * high:.1f})"
