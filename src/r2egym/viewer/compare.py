"""K attempts at one task side by side: where they part, and what each did from there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from r2egym.viewer.attempts import Attempt, Turn
from r2egym.viewer.catalogue import Catalogue
from r2egym.viewer.highlight import diff
from r2egym.viewer.page import Page
from r2egym.viewer.render import render
from r2egym.viewer.steps import headline

_COLUMNS = 6
"""Attempts side by side."""


@dataclass(frozen=True, slots=True)
class Parting:
    """Where attempts part."""

    step: int | None
    """The first step (from 1) that is not the same call in all; None: they make the same calls throughout."""
    with_first: tuple[int | None, ...]
    """For each attempt, the first step at which it parts from the first one; None: never."""


def part(attempts: Sequence[Attempt]) -> Parting:
    """Where attempts part. Two calls are the same when their text is; thoughts and observations do not count."""
    if not attempts:
        return Parting(None, ())
    first = attempts[0].turns
    found = tuple(_parts(first, other.turns) for other in attempts)
    steps = [step for step in found if step is not None]
    return Parting(min(steps, default=None), found)


def _parts(one: Sequence[Turn], other: Sequence[Turn]) -> int | None:
    for number, (left, right) in enumerate(zip(one, other, strict=False), 1):
        if left.action != right.action:
            return number
    return None if len(one) == len(other) else min(len(one), len(other)) + 1


@dataclass(frozen=True, slots=True)
class Cell:
    """A step of one attempt in the comparison."""

    number: int
    tool: str
    headline: str
    is_same: bool
    """Whether every other attempt makes the same call at this step."""
    failed: bool


def rows_of(attempts: Sequence[Attempt], most: int = 120) -> list[list[Cell | None]]:
    """Step by step, a cell an attempt; None where it has ended."""
    longest = min(max((len(attempt.turns) for attempt in attempts), default=0), most)
    table = []
    for place in range(longest):
        turns = [attempt.turns[place] if place < len(attempt.turns) else None for attempt in attempts]
        same = len({turn.action if turn else None for turn in turns}) == 1
        table.append([_cell(turn, is_same=same) for turn in turns])
    return table


def _cell(turn: Turn | None, *, is_same: bool) -> Cell | None:
    if turn is None:
        return None
    return Cell(turn.number, turn.tool, headline(turn, 90), is_same, bool(turn.exit_code) or turn.timed_out)


def compare_page(catalogue: Catalogue, task: str, runs: Sequence[str], page: Page) -> str:
    """The attempts at a task side by side."""
    chosen = [catalogue.runs[name] for name in runs if name in catalogue.runs] or list(
        catalogue.runs.values()
    )
    listed = [(run, row) for run in chosen for row in run.rows_of_task(task) if row["damage"] is None]
    known = [
        (run, row, attempt) for run, row in listed[:_COLUMNS] if (attempt := run.attempt(row)) is not None
    ]
    attempts = [attempt for *_, attempt in known]
    parting = part(attempts)
    several = len({run.name for run, *_ in known}) > 1
    columns = [
        {
            "name": f"{run.name} #{row['attempt']}" if several else f"#{row['attempt']}",
            "address": page.to.attempt(run.name, row["line"]),
            "status": row["status"],
            "said": row["said"],
            "steps": row["steps"],
            "exit": row["exit"] or "\u2013",
            "parts": parts,
            "patch": diff(attempt.patch).files,
        }
        for (run, row, attempt), parts in zip(known, parting.with_first, strict=True)
    ]
    return render(
        "compare.html",
        page=page,
        task=task,
        title=known[0][1]["title"] if known else "",
        columns=columns,
        table=rows_of(attempts),
        step=parting.step,
        more=len(listed) - len(known),
    )
