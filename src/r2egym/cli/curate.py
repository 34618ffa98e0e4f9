"""``r2egym curate``: a repository's history becomes a dataset."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from r2egym.cli.console import Advance, Json, answer_no, note, print_json, print_table, print_text, progress
from r2egym.cli.home import ready_home
from r2egym.cli.options import BaseUrl, Index, Sandbox
from r2egym.cli.thresholds import Commits, Limit, Preset, Revision, Since, Thresholds, Until, configure
from r2egym.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from r2egym.agents import Budget
    from r2egym.curation import Curated, Progress
    from r2egym.jobs import Executor

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def curate(
    repo: Annotated[str, typer.Argument(metavar="REPO", help="Path or URL of a git repository.")],
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="The dataset's folder; a killed run resumes in it.")
    ],
    limit: Limit = None,
    jobs: Annotated[int, typer.Option("--jobs", min=1, help="Candidates worked on at once.")] = 2,
    sandbox: Sandbox = "bubblewrap",
    runs: Annotated[int, typer.Option("--runs", min=1, help="Fresh runs a side that must agree.")] = 3,
    history: Annotated[
        Literal["past", "none"], typer.Option("--history", help="What an agent's .git holds.")
    ] = "past",
    seal: Annotated[
        bool,
        typer.Option(
            "--seal/--no-seal",
            help="Find out how strongly each task's answers can be withheld (4 runs a task).",
        ),
    ] = True,
    writer: Annotated[
        str, typer.Option("--writer", metavar="template|MODEL", help="Who describes the tasks.")
    ] = "template",
    test_writer: Annotated[
        str,
        typer.Option(
            "--test-writer",
            metavar="MODEL",
            help="Who writes tests for fixes that came without (default: nobody).",
        ),
    ] = "",
    installer: Annotated[
        str,
        typer.Option(
            "--installer",
            metavar="MODEL",
            help="Who proposes recipes for commits on which discovery fails (default: nobody).",
        ),
    ] = "",
    installer_budget: Annotated[
        list[str] | None,
        typer.Option(
            "--installer-budget",
            metavar="NAME=NUMBER",
            help="Bound the installer; may be given again. Names: steps, tokens, seconds, proposals (on one commit), failures (for one"
            " reason).",
        ),
    ] = None,
    base_url: BaseUrl = None,
    engine: Annotated[
        Literal["local", "ray"], typer.Option("--engine", help="What spreads the work: threads here, or Ray.")
    ] = "local",
    preset: Preset = "wide",
    thresholds: Thresholds = None,
    revision: Revision = "HEAD",
    since: Since = None,
    until: Until = None,
    commits: Commits = None,
    index: Index = None,
    recipes: Annotated[
        Path | None, typer.Option("--recipes", help="A folder of recipes, NAME.toml each.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Turn a repository's history into a dataset of proven tasks: mine, build, prove, describe."""
    from r2egym.curation import CurateConfig, Options
    from r2egym.curation import curate as run

    config = CurateConfig(
        source=repo,
        mining=configure(
            preset, thresholds, revision=revision, since=since, until=until, limit=limit, commits=commits
        ),
        options=Options(runs=runs, history=history, seal=seal),
        writer=writer,
        base_url=base_url,
        test_writer=test_writer,
        installer=installer,
        installer_budget=_budget(installer, installer_budget or ()),
        sandbox=sandbox,
        index=index,
        recipes=recipes,
    )
    executor = _executor(engine, jobs)
    with progress() as advance:
        done = run(
            config,
            out,
            ready_home(),
            jobs=jobs,
            executor=executor,
            report=lambda now: _tell(advance, now),
        )
    if as_json:
        print_json(done)
    else:
        _show(done, out)
    for commit, why in sorted(done.failures.items())[:5]:
        note(f"{commit[:12]}: nothing known: {why}; run again to try it again")
    if not done.tasks:
        note(f"no task came out of {done.commits} commits; {out / 'funnel.json'} says why")
        answer_no()


def _budget(installer: str, bounds: Sequence[str]) -> Budget:
    """The installer's bounds. Raises UsageError for one that is none."""
    from r2egym.agents import Budget

    if bounds and not installer:
        raise UsageError("--installer-budget bounds an installer, and there is none: give --installer MODEL")
    chosen: dict[str, int] = {}
    for text in bounds:
        name, _, number = text.partition("=")
        if name not in Budget.model_fields or not number.isdecimal() or not int(number):
            raise UsageError(
                f"--installer-budget {text}: give NAME=NUMBER with one of {', '.join(Budget.model_fields)}"
            )
        chosen[name] = int(number)
    return Budget(**chosen)


def _executor(engine: Literal["local", "ray"], jobs: int) -> Executor | None:
    """What spreads the work; None: threads of this process."""
    if engine == "local":
        return None
    from r2egym.jobs.ray import Ray

    return Ray(jobs)


def _tell(advance: Advance, now: Progress) -> None:
    failed = f", {now.failed} failed" if now.failed else ""
    advance(f"{now.tasks} tasks{failed}", now.done, now.candidates)


def _show(done: Curated, out: Path) -> None:
    funnel = json.loads((out / "funnel.json").read_text(encoding="utf-8"))
    title = f"{done.tasks} tasks from {done.commits} commits in {done.seconds:.1f} s"
    print_table(funnel_table(funnel, title))
    told = done.installer
    if told and (told["asked"] or told["reused"]):
        cost = f", ${told['cost']:.2f}" if told["cost"] is not None else ""
        print_text(
            f"installer: commits asked about {told['asked']}, recipes found {told['recipes']}, used again {told['reused']}; "
            f"{told['prompt_tokens']:,} + {told['completion_tokens']:,} tokens{cost}"
        )
    print_text(done.path)


def funnel_table(funnel: dict[str, Any], title: str) -> Table:
    """Where commits went, as a table."""
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    table.add_column("stage")
    table.add_column("seen", justify="right")
    table.add_column("kept", justify="right")
    table.add_column("rejected, by reason")
    for stage in funnel["stages"]:
        reasons = ", ".join(f"{reason} {entry['count']}" for reason, entry in stage["rejected"].items())
        table.add_row(stage["stage"], str(stage["seen"]), str(stage["kept"]), reasons)
    return table
