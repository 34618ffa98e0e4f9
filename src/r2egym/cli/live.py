"""The table that a terminal shows while rollouts run; nothing where there is no terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

    from r2egym.rollouts import Progress

_EVERY = 0.25
"""Seconds between two drawings."""


@contextmanager
def live_table(title: str) -> Iterator[Callable[[Progress], None]]:
    """A table on stderr while the block runs; what comes out is told how far the run is, as often as one likes."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.live import Live

    with Live(console=Console(stderr=True), transient=True, auto_refresh=False) as live:
        drawn = 0.0

        def report(now: Progress) -> None:
            nonlocal drawn
            if time.monotonic() - drawn >= _EVERY or now.done == now.total:
                drawn = time.monotonic()
                live.update(table(title, now), refresh=True)

        yield report


def table(title: str, now: Progress) -> Table:
    """How far a run is."""
    from rich.table import Table

    drawn = Table(title=title, title_justify="left")
    for column in ("done", "a minute", "mean reward", "steps", "tokens", "cost", "masked", "to go"):
        drawn.add_column(column, justify="right")
    failures = ", ".join(f"{name} {count}" for name, count in sorted(now.failures.items()))
    drawn.add_row(
        f"{now.done}/{now.total}",
        f"{now.rate * 60:.1f}",
        "-" if now.mean is None else f"{now.mean:.3f}",
        str(now.steps),
        f"{now.tokens:,}",
        f"${now.cost:.2f}" if now.cost else "-",
        f"{now.masked} {failures}".strip(),
        "-" if now.eta is None else _duration(now.eta),
    )
    return drawn


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
