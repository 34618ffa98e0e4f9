"""``r2egym mine``: which commits of a history could become tasks."""

from __future__ import annotations

import datetime as dt
import time
from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer

from r2egym.cli.console import Json, print_json, print_table, print_text, progress
from r2egym.cli.home import ready_home
from r2egym.cli.thresholds import Commits, Limit, Preset, Revision, Since, Thresholds, Until, configure

if TYPE_CHECKING:
    from pydantic import JsonValue

    from r2egym.mining import Candidate, Rejection

app = typer.Typer(add_completion=False, rich_markup_mode=None)

_TELL_EVERY = 50
"""Commits between two looks of the progress line."""


@app.command()
def mine(
    repo: Annotated[str, typer.Argument(metavar="REPO", help="Path or URL of a git repository.")],
    preset: Preset = "wide",
    thresholds: Thresholds = None,
    revision: Revision = "HEAD",
    since: Since = None,
    until: Until = None,
    commits: Commits = None,
    limit: Limit = None,
    jobs: Annotated[int, typer.Option("--jobs", min=1, help="Processes that look at commits.")] = 1,
    as_json: Json = False,
) -> None:
    """List the commits of a history that could become tasks, and count why the others cannot."""
    from r2egym.mining import Candidate, Repository
    from r2egym.mining import mine as run

    began = time.monotonic()
    config = configure(
        preset, thresholds, revision=revision, since=since, until=until, commits=commits, limit=limit
    )
    repository = Repository.open(repo, ready_home())
    rejected: Counter[str] = Counter()
    candidates = 0
    with progress() as advance:
        for seen, found in enumerate(run(repository, config, jobs=jobs), start=1):
            if isinstance(found, Candidate):
                candidates += 1
            else:
                rejected[found.reason] += 1
            if as_json:
                print_json(_line(found))
            elif isinstance(found, Candidate):
                print_text(_text(found))
            if seen % _TELL_EVERY == 0:
                advance(f"{candidates} candidates", seen, None)
    total = candidates + rejected.total()
    seconds = round(time.monotonic() - began, 3)
    if as_json:
        reasons: dict[str, JsonValue] = dict(rejected.most_common())
        print_json({"commits": total, "candidates": candidates, "rejected": reasons, "seconds": seconds})
    else:
        _show(total, candidates, rejected, seconds)


def _line(found: Candidate | Rejection) -> dict[str, JsonValue]:
    """One commit for programs."""
    from r2egym.mining import Rejection

    if isinstance(found, Rejection):
        return {"commit": found.commit, "candidate": False, "reason": found.reason}
    return {
        "commit": found.commit.hash,
        "candidate": True,
        "base": found.base,
        "tests_commit": found.tests_commit,
        "subject": found.commit.message.partition("\n")[0],
        "committed": _day(found),
        "files": [file.path for file in found.files],
        "entities": [f"{entity.file_name}::{entity.name}" for entity in found.entities],
        "lines": found.num_non_test_lines,
    }


def _text(found: Candidate) -> str:
    subject = found.commit.message.partition("\n")[0]
    return f"{found.commit.hash[:12]}  {_day(found)}  {found.num_non_test_lines:>5} lines  {subject[:70]}"


def _day(found: Candidate) -> str:
    return dt.datetime.fromtimestamp(found.commit.committer_time, dt.UTC).date().isoformat()


def _show(total: int, candidates: int, rejected: Counter[str], seconds: float) -> None:
    from rich.table import Table

    table = Table(title=f"{total} commits in {seconds:.1f} s", title_justify="left")
    table.add_column("")
    table.add_column("commits", justify="right")
    table.add_row("candidates", str(candidates))
    for reason, count in rejected.most_common():
        table.add_row(reason, str(count))
    print_table(table)
