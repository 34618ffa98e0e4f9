"""``r2egym doctor``: rows are proved again; or the machine is examined."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from r2egym import settings
from r2egym.cli.console import Json, answer_no, print_json, print_text, progress
from r2egym.cli.home import ready_home
from r2egym.cli.options import Index, Sandbox, Seal
from r2egym.errors import UsageError

if TYPE_CHECKING:
    from r2egym.curation import Finding

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def doctor(
    dataset: Annotated[
        str | None, typer.Argument(metavar="[DATASET]", help="A dataset's folder, file, or hub id.")
    ] = None,
    machine: Annotated[bool, typer.Option("--machine", help="Tell what this machine can do.")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="Gold and empty patch only.")] = False,
    one_by_one: Annotated[bool, typer.Option("--one-by-one", help="Try every known cheat alone.")] = False,
    mutation: Annotated[
        bool,
        typer.Option(
            "--mutation", help="Also tell how many small faults of the gold patch its tests notice."
        ),
    ] = False,
    mutants: Annotated[
        int, typer.Option("--mutants", min=1, help="With --mutation: most faults that are tried a row.")
    ] = 20,
    runs: Annotated[int, typer.Option("--runs", min=1, help="Runs of the gold patch that must agree.")] = 3,
    history: Annotated[
        Literal["past", "none"], typer.Option("--history", help="What an agent's .git holds.")
    ] = "past",
    jobs: Annotated[int, typer.Option("--jobs", min=1, help="Rows worked on at once.")] = 2,
    seal: Seal = False,
    sandbox: Sandbox = "bubblewrap",
    index: Index = None,
    as_json: Json = False,
) -> None:
    """Prove every row of a dataset again; exits 0 only when all of them hold."""
    if machine:
        _machine(as_json=as_json)
        return
    if dataset is None:
        raise UsageError("doctor takes a dataset, or --machine")
    from r2egym.curation import Options, examine_rows
    from r2egym.tasks import load_dataset

    rows = load_dataset(dataset)
    held = 0
    with progress() as advance:
        advance("proving", 0, len(rows))
        findings = examine_rows(
            rows,
            ready_home(),
            sandbox=sandbox,
            quick=quick,
            one_by_one=one_by_one,
            mutation=mutants if mutation else 0,
            options=Options(runs=runs, history=history, seal=seal),
            index=index,
            jobs=jobs,
        )
        for number, finding in enumerate(findings, 1):
            held += finding.holds
            advance("proving", number, len(rows))
            if as_json:
                print_json(finding)
            else:
                print_text(_text(finding))
    if not as_json:
        print_text(f"{held} of {len(rows)} rows hold")
    if held != len(rows):
        answer_no()


def _text(finding: Finding) -> str:
    said = f"{finding.instance_id}  {'holds' if finding.holds else finding.reason}"
    found = finding.mutation
    if found is None:
        return said
    lines = [f"{said}  {found.killed} of {found.killed + len(found.survivors)} mutants noticed"]
    return "\n".join([*lines, *(f"    not noticed: {name}" for name in found.survivors)])


def _machine(*, as_json: bool) -> None:
    from r2egym.sandboxes import machine

    able = True
    for ability in machine.report(settings.load()):
        able = able and (ability.works or not ability.needed)
        if as_json:
            print_json(ability)
        else:
            mark = "yes" if ability.works else "NO " if ability.needed else "no "
            print_text(
                f"{mark}  {ability.name}: {ability.detail}"
                + ("" if ability.works else f"\n     {ability.mend}")
            )
    if not able:
        answer_no()
