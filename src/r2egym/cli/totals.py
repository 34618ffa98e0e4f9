"""Runs in numbers, as ``r2egym stats`` tells them: from the viewer's index, which is made on the way."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from r2egym import settings
from r2egym.cli.console import print_table
from r2egym.errors import UsageError

if TYPE_CHECKING:
    from rich.table import Table

    from r2egym.viewer import Catalogue
    from r2egym.viewer.catalogue import OpenRun


def is_run(name: str) -> bool:
    """Whether a name leads to a run or a file of trajectories rather than to a dataset."""
    from r2egym.viewer.sources import DatasetSource, find_sources

    try:
        return any(not isinstance(found, DatasetSource) for found in find_sources([Path(name)]))
    except UsageError:
        return False


def open_all(names: list[str]) -> Catalogue:
    """All that these names lead to, read to its end. Raises UsageError."""
    from r2egym.viewer import Catalogue, find_sources

    catalogue = Catalogue.open(find_sources(map(Path, names)), settings.load().home)
    catalogue.build()
    return catalogue


def facts_of(run: OpenRun) -> dict[str, Any]:
    """What is known of a run, fit for JSON."""
    from r2egym.viewer.bestk import best_of

    totals, best = run.totals(), best_of(run)
    reasons: dict[str, int] = {}
    for _, code, count in totals.reasons:
        reasons[code] = reasons.get(code, 0) + count
    return {
        "run": str(run.source.folder or run.source.path),
        "attempts": totals.attempts,
        "planned": run.planned(),
        "tasks": totals.tasks,
        "mean_reward": totals.mean,
        "statuses": totals.statuses,
        "reasons": reasons,
        "exit_reasons": dict(totals.exits),
        "failures": dict(totals.boundaries),
        "tools": dict(totals.tools),
        "steps": totals.steps,
        "tokens": totals.tokens,
        "cost": totals.cost,
        "seconds": totals.seconds,
        "k": list(best.k) if best else [],
        "best": {name: curve.mean for name, curve in best.curves.items()} if best else {},
    }


def show_runs(facts: list[dict[str, Any]]) -> None:
    """For people: one table of all, and of a single one why its attempts ended as they did."""
    from rich.table import Table

    table = Table(title=f"{len(facts)} run{'s' * (len(facts) != 1)}", title_justify="left")
    table.add_column("run", overflow="fold")
    for name in ("attempts", "tasks", "mean reward", "passed", "no reward", "steps", "tokens", "cost"):
        table.add_column(name, justify="right")
    for one in facts:
        mean, cost = one["mean_reward"], one["cost"]
        numbers = [
            one["attempts"],
            one["tasks"],
            "-" if mean is None else f"{mean:.3f}",
            one["statuses"]["passed"],
            one["statuses"]["masked"],
            one["steps"],
            one["tokens"] or "-",
            "-" if cost is None else f"${cost:.2f}",
        ]
        table.add_row(one["run"], *map(str, numbers))
    print_table(table)
    if len(facts) == 1:
        print_table(_reasons(facts[0]))


def _reasons(facts: dict[str, Any]) -> Table:
    from rich.table import Table

    from r2egym.viewer.reasons import REASONS

    table = Table(title="Why they ended as they did", title_justify="left", show_header=False)
    table.add_column("")
    table.add_column("", justify="right")
    for code, count in sorted(facts["reasons"].items(), key=lambda item: -item[1]):
        table.add_row(REASONS.get(code, code), str(count))
    return table
