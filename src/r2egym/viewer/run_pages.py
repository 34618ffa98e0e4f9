"""Pages about runs: all of them, one, what a search finds, tasks by runs."""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from r2egym.viewer.addresses import Addresses
from r2egym.viewer.bestk import best_at_k
from r2egym.viewer.catalogue import Catalogue, OpenRun, Totals
from r2egym.viewer.page import Bar, Page, window
from r2egym.viewer.query import HELP, SORTS, Query, parse_query
from r2egym.viewer.reasons import REASONS
from r2egym.viewer.render import link, render
from r2egym.viewer.snippets import Snippet, snippets
from r2egym.viewer.text import one_line

A_PAGE = 50
"""Rows of a list."""
_FIRST = 50
"""Attempts on a run's own page."""
_TASKS = 50
SHOWS = {
    "all": "all tasks",
    "unsolved": "never solved",
    "mixed": "solved sometimes",
    "solved": "always solved",
}


@dataclass(frozen=True, slots=True)
class RunView:
    """A run as pages show it."""

    name: str
    who: str
    """Agent and model."""
    totals: Totals
    planned: int | None
    running: bool
    state: str
    """How far it is, where there is something to say."""

    @property
    def live(self) -> bool:
        """Whether the page should look again."""
        return bool(self.state)


def run_view(run: OpenRun) -> RunView:
    """A run as pages show it."""
    totals, planned, progress = run.totals(), run.planned(), run.progress()
    running = run.source.is_running()
    states = []
    if running:
        states.append(f"running: {totals.attempts:,} of {planned:,} attempts" if planned else "running")
    elif planned and totals.attempts < planned and run.source.folder:
        states.append(f"stopped after {totals.attempts:,} of {planned:,} attempts")
    if not progress.done:
        what = "reading" if progress.rows < progress.bytes else "taking down words for search"
        states.append(f"{what}, {progress.share:.0%}")
    elif progress.torn and not running:
        states.append(f"the last {progress.torn:,} bytes are no whole line")
    return RunView(run.name, _who(run), totals, planned, running or not progress.done, "; ".join(states))


def _who(run: OpenRun) -> str:
    said = run.configuration().get("agent")
    if isinstance(said, dict):
        words = [str(said.get("kind") or ""), str(said.get("model") or "")]
        return one_line(", ".join(word for word in words if word), 120)
    with run.index.reading() as database:
        row = database.execute("SELECT agent, model FROM attempts WHERE damage IS NULL LIMIT 1").fetchone()
    return one_line(", ".join(dict.fromkeys(word for word in row if word)), 120) if row else "no attempts yet"


def runs_page(catalogue: Catalogue, page: Page) -> str:
    """All runs and datasets."""
    datasets = []
    for dataset in catalogue.datasets.values():
        repos = sorted({entry.repo for entry in dataset.entries.values()})
        funnel = dataset.funnel
        datasets.append(
            {
                "name": dataset.name,
                "path": str(dataset.source.path),
                "tasks": len(dataset.entries),
                "repos": ", ".join(repos[:4]) + (f" and {len(repos) - 4} more" if len(repos) > 4 else ""),  # noqa: PLR2004
                "commits": funnel.commits if funnel else None,
                "candidates": funnel.candidates if funnel else None,
            }
        )
    runs = [run_view(run) for run in catalogue.runs.values()]
    return render("runs.html", page=page, runs=runs, datasets=datasets, live=any(run.live for run in runs))


def runs_fragment(catalogue: Catalogue, page: Page) -> str:
    """The table of runs alone."""
    return render("runs_table.html", page=page, runs=[run_view(run) for run in catalogue.runs.values()])


def run_page(run: OpenRun, page: Page) -> str:
    """One run."""
    dataset = one_line(str(run.configuration().get("dataset") or ""), 200)
    return render("run.html", dataset=dataset, **_run(run, page))


def run_fragment(run: OpenRun, page: Page) -> str:
    """What changes on a run's page."""
    return render("run_live.html", **_run(run, page))


def _run(run: OpenRun, page: Page) -> dict[str, Any]:
    view = run_view(run)
    found = run.find(parse_query(""), "newest" if view.running else "task").numbers
    rows = [(run.name, row) for row in run.rows(found[:_FIRST])]
    bars = _bars(view.totals, page.to, run.name)
    best = run.once("best", lambda: best_at_k(run))
    return {"page": page, "run": view, "rows": rows, "whole": len(found), "best": best, **bars}


def _bars(totals: Totals, to: Addresses, run: str) -> dict[str, Any]:
    """The charts of a run's page; each bar leads to what it counts."""
    why = [
        Bar(
            REASONS.get(code, code),
            number,
            to.attempts(f"status:{status} why:{code}", run),
            status,
            status,
        )
        for status, code, number in totals.reasons
    ]
    return {
        "why": why,
        "exits": [
            Bar(name or "not told", n, to.attempts(f'exit:"{name}"', run)) for name, n in totals.exits[:10]
        ],
        "boundaries": [Bar(name, n, to.attempts(f"failure:{name}", run)) for name, n in totals.boundaries],
        "tools": [
            Bar(one_line(name, 40), n, to.attempts(f'tool:"{name}"', run)) for name, n in totals.tools[:8]
        ],
        "most_calls": max((n for _, n in totals.tools), default=0),
    }


def attempts_page(
    catalogue: Catalogue, page: Page, run: str, sort: str, start: int, *, part: bool = False
) -> str:
    """What a search finds; ``part``: without the form, for a page that waits for more."""
    query, answers = catalogue.search(page.q, [run] if run else [], sort)
    found = [(one, answer.numbers) for one, answer in answers]
    whole = sum(len(numbers) for _, numbers in found)
    view = window(
        whole,
        start,
        A_PAGE,
        link("attempts", q=page.q, run=run, sort=sort, start="") + _start(page.q, run, sort),
    )
    rows: list[tuple[str, sqlite3.Row]] = []
    hits: dict[tuple[str, int], Snippet] = {}
    for one, numbers in _slice(found, view.first - 1, view.last):
        here = one.rows(numbers)
        rows += [(one.name, row) for row in here]
        hits |= {(one.name, number): hit for number, hit in snippets(one, here, query).items()}
    return render(
        "attempts_found.html" if part else "attempts.html",
        page=page,
        searching=not all(answer.whole for _, answer in answers),
        again=link("attempts", q=page.q, run=run, sort=sort, start=start or None, part="found"),
        rows=rows,
        hits=hits,
        whole=whole,
        first=view.first,
        last=view.last,
        earlier=view.earlier,
        later=view.later,
        run_names=list(catalogue.runs),
        chosen=run if run in catalogue.runs else "",
        sort=sort,
        sorts=list(SORTS),
        help=HELP,
        notes=notes_of(query, [one for one, _ in found]),
    )


def _start(*said: str) -> str:
    """How the number of a start is joined to an address that may have a query already."""
    return ("&" if any(said) else "?") + "start="


def notes_of(query: Query, runs: Sequence[OpenRun]) -> list[str]:
    """What a reader of search results should know."""
    notes = list(query.problems)
    if query.needs_words:
        for run in runs:
            progress = run.progress()
            if not progress.searchable:
                notes.append(
                    "this machine's SQLite has no full-text search (FTS5): words find nothing, filters do"
                )
                break
            if not progress.done:
                share = progress.words / progress.bytes if progress.bytes else 1
                notes.append(f"{run.name}: words of {share:.0%} are known so far")
    return notes


def _slice(
    found: Sequence[tuple[OpenRun, array[int]]], start: int, end: int
) -> list[tuple[OpenRun, array[int]]]:
    """A stretch of what was found, over the borders of runs."""
    parts, at = [], 0
    for run, numbers in found:
        part = numbers[max(start - at, 0) : max(end - at, 0)]
        if part:
            parts.append((run, part))
        at += len(numbers)
    return parts


# --- tasks by runs ------------------------------------------------------------------------------------------------


def problems_page(catalogue: Catalogue, page: Page, show: str, order: str, start: int) -> str:
    """Tasks by runs."""
    query = parse_query(page.q)
    searching = False
    by_run: dict[str, Cells] = {}
    for name, run in catalogue.runs.items():
        by_run[name], whole = _tasks(run, query)
        searching = searching or not whole
    tasks = _chosen(by_run, show, order)
    address = link("problems", q=page.q, show=show, order=order) + "&start="
    view = window(len(tasks), start, _TASKS, address)
    shown = tasks[view.first - 1 : view.last]
    return render(
        "problems.html",
        page=page,
        rows=matrix(catalogue, by_run, shown, page.to),
        run_names=list(by_run),
        whole=len(tasks),
        first=view.first,
        last=view.last,
        earlier=view.earlier,
        later=view.later,
        show=show,
        order=order,
        shows=SHOWS,
        searching=searching,
        notes=notes_of(query, list(catalogue.runs.values())),
    )


Cells = dict[str, list[tuple[int, str, int]]]
"""Task → number, status and line of its attempts."""


def _tasks(run: OpenRun, query: Query) -> tuple[Cells, bool]:
    """The tasks of which an attempt is found, and whether these are all."""
    cells = {task: cell for task, cell in run.by_task().items() if task}
    if not query.where and not query.needs_words:
        return cells, True
    numbers, whole = run.find(query)
    wanted = {row["task"] for part in _pieces(numbers) for row in run.rows(part)}
    return {task: cell for task, cell in cells.items() if task in wanted}, whole


def _pieces(numbers: array[int], length: int = 2_000) -> list[array[int]]:
    return [numbers[at : at + length] for at in range(0, len(numbers), length)]


def _chosen(by_run: Mapping[str, Cells], show: str, order: str) -> list[str]:
    shares: dict[str, float | None] = {}
    for task in sorted({task for cells in by_run.values() for task in cells}):
        passed, counted = count_of([cells.get(task, []) for cells in by_run.values()])
        shares[task] = passed / counted if counted else None
    tasks = [task for task, share in shares.items() if show not in SHOWS or show in {"all", _kind(share)}]
    if order in {"hardest", "easiest"}:
        sign = 1 if order == "hardest" else -1
        tasks.sort(key=lambda task: (shares[task] is None, sign * (shares[task] or 0.0), task))
    return tasks


def _kind(share: float | None) -> str:
    """A key of :data:`SHOWS`, from the share of attempts that passed."""
    if share is None:
        return ""
    return "unsolved" if share == 0 else "solved" if share == 1 else "mixed"


def count_of(cells: Sequence[Sequence[tuple[int, str, int]]]) -> tuple[int, int]:
    """Attempts that passed, and those that have a reward."""
    statuses = [status for cell in cells for _, status, _ in cell]
    return statuses.count("passed"), sum(status not in {"masked", "damaged"} for status in statuses)


def matrix(
    catalogue: Catalogue, by_run: Mapping[str, Cells], tasks: Sequence[str], to: Addresses
) -> list[dict[str, Any]]:
    """The rows of the matrix."""
    rows = []
    for task in tasks:
        cells = [(name, found.get(task, [])) for name, found in by_run.items()]
        passed, counted = count_of([cell for _, cell in cells])
        dataset, title = _title(catalogue, task, by_run)
        rows.append(
            {
                "task": task,
                "title": title,
                "address": to.task(dataset, task) if dataset else to.compare(task),
                "compare": to.compare(task) if sum(len(cell) for _, cell in cells) > 1 else "",
                "cells": cells,
                "passed": passed,
                "counted": counted,
            }
        )
    return rows


def _title(catalogue: Catalogue, task: str, by_run: Mapping[str, Cells]) -> tuple[str, str]:
    """The dataset that has a task, and what the task is called."""
    for dataset in catalogue.datasets.values():
        if task in dataset.entries:
            return dataset.name, one_line(dataset.entries[task].title, 90)
    for name, cells in by_run.items():
        if task in cells and (row := catalogue.runs[name].row(cells[task][0][2])):
            return "", one_line(row["title"], 90)
    return "", ""
