"""Plots on paper (PNG, PDF, SVG) with matplotlib, in the colours and shapes of the pages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from r2egym.errors import MissingExtraError, UsageError
from r2egym.tasks.store import replacing
from r2egym.viewer.bestk import best_of
from r2egym.viewer.catalogue import Catalogue, OpenRun
from r2egym.viewer.palette import COLOURS, SERIES, line_of
from r2egym.viewer.reasons import REASONS
from r2egym.viewer.tasks import TaskTable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from r2egym.verifiers import BestOfK

_FORMATS = (".png", ".pdf", ".svg")
_COLOURS = COLOURS["light"]
_MOST = 14
"""Rows of one panel."""
_FEWEST = 2
_BINS = 40


@dataclass(frozen=True, slots=True)
class _Panel:
    title: str
    rows: int
    """How many lines of text it is high."""
    draw: Callable[[Any], None]
    around: float = 4.0
    """Lines of text that its title and labels take."""


def write_plot(catalogue: Catalogue, file: Path) -> int:
    """Draw every run and dataset that is open, panel by panel.

    Args:
        catalogue: read to its end.
        file: to write; its ending says in which format.

    Returns:
        How many panels it has.

    Raises:
        UsageError: matplotlib is not installed, or the format is not known.
        OSError: the file cannot be written.
    """
    panels = [panel for run in catalogue.runs.values() for panel in _run_panels(run)]
    panels += [panel for dataset in catalogue.datasets.values() for panel in _dataset_panels(dataset)]
    _write(panels, file)
    return len(panels)


def write_best_of_k(found: BestOfK, file: Path, *, title: str = "") -> None:
    """Draw the curves of Best@K with their intervals. Raises as :func:`write_plot`."""
    _write([_best(found, title)], file)


def check_plot(file: Path) -> None:
    """Find out, before the work, whether a plot can be written there. Raises UsageError."""
    if file.suffix.lower() not in _FORMATS:
        raise UsageError(f"{file}: a plot ends in {', '.join(_FORMATS)}")
    if not file.parent.is_dir():
        raise UsageError(f"{file.parent}: no such folder, so the plot cannot be written")


def _write(panels: Sequence[_Panel], file: Path) -> None:
    check_plot(file)
    try:
        import matplotlib as mpl
    except ImportError:
        raise MissingExtraError("plots need matplotlib", "plot") from None
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    heights = [panel.rows + panel.around for panel in panels]
    with mpl.rc_context(cast("Any", _style())):
        figure = Figure(figsize=(7.2, 0.2 * sum(heights)), layout="constrained")
        FigureCanvasAgg(figure)
        drawn = figure.subplots(len(panels), 1, squeeze=False, height_ratios=heights)[:, 0]
        for axes, panel in zip(drawn, panels, strict=True):
            axes.set_title(panel.title, loc="left")
            panel.draw(axes)
        with replacing(file) as aside:
            figure.savefig(aside, format=file.suffix[1:].lower(), dpi=160, metadata=_dateless(file))


def _dateless(file: Path) -> dict[str, None]:
    """Metadata without the time of drawing."""
    return {".pdf": {"CreationDate": None}, ".svg": {"Date": None}}.get(file.suffix.lower(), {})


def _style() -> dict[str, Any]:
    return {
        "font.size": 9,
        "font.family": ["sans-serif"],
        "axes.titlesize": 10,
        "axes.titleweight": "bold",
        "axes.titlepad": 6,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.spines.left": False,
        "axes.edgecolor": _COLOURS["edge"],
        "axes.labelcolor": _COLOURS["muted"],
        "text.color": _COLOURS["text"],
        "xtick.color": _COLOURS["muted"],
        "ytick.color": _COLOURS["text"],
        "ytick.major.size": 0,
    }


# --- panels -------------------------------------------------------------------------------------------------------


def _run_panels(run: OpenRun) -> list[_Panel]:
    totals = run.totals()
    mean = "no reward yet" if totals.mean is None else f"mean reward {totals.mean:.3f}"
    outcomes = [(name, number, _COLOURS[name]) for name, number in totals.statuses.items() if number]
    why = [(REASONS.get(code, code), number, _COLOURS[status]) for status, code, number in totals.reasons]
    exits = [(name or "not told", number, _COLOURS["accent"]) for name, number in totals.exits]
    parts = (
        (f"{run.name}: {totals.attempts:,} attempts, {mean}", outcomes),
        (f"{run.name}: why they ended as they did", why),
        (f"{run.name}: ended by", exits),
    )
    best = best_of(run)
    return [
        *(_bars(title, rows) for title, rows in parts if rows),
        *([_best(best, f"{run.name}: best of K")] if best else []),
    ]


def _dataset_panels(dataset: TaskTable) -> list[_Panel]:
    panels, name = [], dataset.name
    if (funnel := dataset.funnel) is not None:
        stages = [("history", funnel.commits, _COLOURS["passed"])]
        stages += [(stage["stage"], stage["kept"], _COLOURS["passed"]) for stage in funnel.stages]
        panels.append(_bars(f"{name}: commits that each stage kept", stages))
    entries = list(dataset.entries.values())
    repos: dict[str, int] = {}
    for entry in entries:
        repos[entry.repo] = repos.get(entry.repo, 0) + 1
    ordered = sorted(repos.items(), key=lambda item: (-item[1], item[0]))
    panels.append(
        _bars(f"{name}: tasks by repository", [(repo, n, _COLOURS["accent"]) for repo, n in ordered])
    )
    sized = [entry.size.added + entry.size.removed for entry in entries if entry.size]
    for title, numbers in (
        ("changed lines of gold", sized),
        ("tests to mend", [entry.fail_to_pass for entry in entries]),
    ):
        if numbers:
            panels.append(_histogram(f"{name}: {title}", numbers))
    return panels


def _bars(title: str, rows: Sequence[tuple[str, int, str]]) -> _Panel:
    shown = rows[:_MOST]

    def draw(axes: Axes) -> None:
        names = [name.replace("$", r"\$") for name, _, _ in shown]
        places = range(len(shown))
        bars = axes.barh(
            places, [n for _, n, _ in shown], color=[colour for _, _, colour in shown], height=0.62
        )
        axes.set_yticks(places, names)
        axes.bar_label(bars, [f"{n:,}" for _, n, _ in shown], padding=4, color=_COLOURS["muted"])
        axes.set_ylim(max(len(shown), _FEWEST) - 0.5, -0.5)
        axes.margins(x=0.08)
        axes.xaxis.set_visible(False)
        axes.spines["bottom"].set_visible(False)

    return _Panel(title, max(len(shown), _FEWEST), draw, around=1.8)


def _histogram(title: str, numbers: Sequence[int]) -> _Panel:
    low, high = min(numbers), max(numbers)
    wide = max(1, -(-(high - low + 1) // _BINS))

    def draw(axes: Axes) -> None:
        from matplotlib.ticker import MaxNLocator

        edges = [edge - 0.5 for edge in range(low, high + 2 * wide, wide)]
        axes.hist(numbers, bins=edges, color=_COLOURS["accent"], rwidth=0.9)
        axes.set_ylabel("tasks")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(MaxNLocator(integer=True))

    return _Panel(title, 7, draw)


def _best(found: BestOfK, title: str) -> _Panel:
    others = [name for name in found.curves if line_of(name, 0)[0] == name]

    def draw(axes: Axes) -> None:
        from matplotlib.ticker import MaxNLocator

        ends: list[tuple[float, str, str]] = []
        for name, curve in found.curves.items():
            label, series, dash = line_of(name, others.index(name) if name in others else 0)
            known = [
                (k, 100 * mean, low, high)
                for k, mean, low, high in zip(found.k, curve.mean, curve.low, curve.high, strict=True)
                if mean is not None
            ]
            if not known:
                continue
            colour = SERIES["light"][series]
            ks, means, lows, highs = zip(*known, strict=True)
            axes.plot(
                ks, means, color=colour, linewidth=1.8, linestyle=dash, marker="o" if len(ks) == 1 else None
            )
            if name != "random" and None not in lows:
                axes.fill_between(
                    ks,
                    [100 * low for low in lows],
                    [100 * high for high in highs],
                    color=colour,
                    alpha=0.1,
                    linewidth=0,
                )
            ends.append((means[-1], f"{label} {means[-1]:.1f}", colour))
        _name_curves(axes, ends)
        bands = f"; bands: {100 * found.confidence:g}% over tasks" if found.resamples else ""
        axes.set_xlabel(f"K, attempts to choose from{bands}")
        axes.set_ylabel("tasks solved, %")
        axes.set_xlim(found.k[0], max(found.k[-1], found.k[0] + 1))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(visible=True, axis="y", color=_COLOURS["line"], linewidth=0.7)
        axes.set_axisbelow(True)

    many = found.tasks[0]
    return _Panel(title or f"Best of K attempts at {many} task{'s' * (many != 1)}", 16, draw)


def _name_curves(axes: Axes, ends: list[tuple[float, str, str]]) -> None:
    """Names at the curves' ends, moved apart where they would touch."""
    low, high = axes.get_ylim()
    apart, at = (high - low) / 16, -1e9
    for value, label, colour in sorted(ends):
        at = max(value, at + apart)
        axes.annotate(
            label,
            (1.01, at),
            xycoords=axes.get_yaxis_transform(),
            color=colour,
            va="center",
            annotation_clip=False,
        )
