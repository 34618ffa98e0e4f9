"""Pages as files that need no server and no network: one attempt, or an overview with pages of attempts beside it.

A file holds its style, no script, and a policy that lets it load nothing.
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from markupsafe import Markup

from r2egym.errors import UsageError
from r2egym.viewer.addresses import FileAddresses
from r2egym.viewer.attempt_pages import whole_page
from r2egym.viewer.bestk import best_at_k
from r2egym.viewer.catalogue import Catalogue, OpenRun
from r2egym.viewer.dataset_pages import funnel_of
from r2egym.viewer.page import Page
from r2egym.viewer.query import parse_query
from r2egym.viewer.render import render, style
from r2egym.viewer.run_pages import matrix, run_view

_PAGES = 400
"""Attempts of an overview that get a page of their own."""
_TASKS = 500


def write_attempt(catalogue: Catalogue, name: str, file: Path) -> None:
    """Write one attempt, all its parts on one page.

    Args:
        catalogue: with the run of it, read to its end.
        name: ``TASK#N``; ``TASK`` alone where there is but one attempt at it; ``RUN:TASK#N`` where runs share tasks.
        file: to write.

    Raises:
        UsageError: no attempt is called so, or several are.
        OSError: the file cannot be written.
    """
    run, line = _named(catalogue, name)
    text = whole_page(catalogue, run, line, _file_page(FileAddresses()))
    if text is None:
        raise UsageError(f"{run.source.path}, line {line}: damaged, so there is nothing to show")
    _write(file, text)


def _named(catalogue: Catalogue, name: str) -> tuple[OpenRun, int]:
    before, colon, rest = name.partition(":")
    runs = list(catalogue.runs.values())
    if colon and before in catalogue.runs:
        runs, name = [catalogue.runs[before]], rest
    task, _, number = name.partition("#")
    if number and not number.isdecimal():
        raise UsageError(f"--attempt takes TASK#N, as in {task}#0, and not {name!r}")
    found = [
        (run, row)
        for run in runs
        for row in run.rows_of_task(task)
        if not number or row["attempt"] == int(number)
    ]
    if not found:
        raise UsageError(f"no attempt is called {name!r}; --attempt takes TASK#N")
    if len(found) > 1:
        names = ", ".join(f"{run.name}:{task}#{row['attempt']}" for run, row in found[:4])
        raise UsageError(f"{len(found)} attempts are called {name!r}; take one of {names}")
    return found[0][0], found[0][1]["line"]


def write_overview(catalogue: Catalogue, file: Path, *, title: str = "R2E-Gym") -> int:
    """Write a page of all runs, tasks and attempts, and a page of each attempt into ``FILE-attempts/`` beside it.

    Args:
        catalogue: read to its end.
        file: to write.
        title: of the page.

    Returns:
        How many attempts got a page.

    Raises:
        OSError: a file cannot be written.
    """
    listed = [
        (run, row)
        for run in catalogue.runs.values()
        for row in run.rows(run.find(parse_query("")).numbers[:_PAGES])
    ]
    unlisted = sum(run.totals().attempts for run in catalogue.runs.values()) - len(listed[:_PAGES])
    listed = listed[:_PAGES]
    folder = file.with_name(f"{file.stem}-attempts")
    written = set()
    for run, row in listed:
        text = whole_page(catalogue, run, row["line"], _file_page(FileAddresses()))
        if text is not None:
            _write(folder / f"{run.name}-{row['line']}.html", text)
            written.add((run.name, row["line"]))
    page = _file_page(FileAddresses(folder.name, frozenset(written)))
    by_run = {name: run.by_task() for name, run in catalogue.runs.items()}
    tasks = sorted({task for cells in by_run.values() for task in cells if task})
    funnels = [funnel for dataset in catalogue.datasets.values() if (funnel := funnel_of(dataset))["funnel"]]
    text = render(
        "export_index.html",
        page=page,
        title=title,
        runs=[run_view(run) for run in catalogue.runs.values()],
        rows=matrix(catalogue, by_run, tasks[:_TASKS], page.to),
        run_names=list(by_run),
        listed=[(run.name, row) for run, row in listed],
        unlisted=unlisted,
        bests=[(run.name, best) for run in catalogue.runs.values() if (best := best_at_k(run))],
        **(funnels[0] if funnels else {"funnel": None, "stages": []}),
    )
    _write(file, text)
    return len(written)


def _file_page(to: FileAddresses) -> Page:
    """The frame of a file: its style within it, allowed by its hash."""
    sheet = style()
    digest = base64.b64encode(hashlib.sha256(sheet.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return Page(to=to, static=True, style=Markup(sheet), policy=policy)  # noqa: S704 - our own sheet


def _write(file: Path, text: str) -> None:
    from r2egym.tasks.store import replacing

    file.parent.mkdir(parents=True, exist_ok=True)
    with replacing(file) as aside:
        aside.write_text(text, encoding="utf-8", errors="replace")
