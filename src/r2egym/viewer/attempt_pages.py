"""Pages about single attempts."""

from __future__ import annotations

import sqlite3
from typing import Any

from r2egym.viewer.catalogue import Catalogue, OpenRun
from r2egym.viewer.page import Page
from r2egym.viewer.query import parse_query
from r2egym.viewer.reasons import signs
from r2egym.viewer.render import link, render
from r2egym.viewer.steps import A_PAGE, Part, whole
from r2egym.viewer.tabs import Shown, tab_values
from r2egym.viewer.text import one_line, visible

TABS = {
    "steps": "Steps",
    "patch": "Patch",
    "tests": "Tests",
    "task": "Task",
    "verdicts": "Verdicts",
    "limits": "Limits",
    "raw": "Raw",
}
_SHOWN = 200_000
"""Bytes of a damaged line that are shown."""
_PIECE = 200_000
"""Characters of a part of a step that one page shows."""


def attempt_page(
    catalogue: Catalogue, run: OpenRun, line: int, page: Page, *, tab: str = "steps", sort: str = "", scope: str = "",
    start: int = 1,
) -> str | None:  # fmt: skip
    """An attempt; None when there is no such line.

    Args:
        catalogue: all that is open.
        run: whose.
        line: of its file.
        page: with the search that led here.
        tab: a key of :data:`TABS`.
        sort: the order of that search.
        scope: ``all`` when the search was over all runs.
        start: the first step to show.
    """
    row = run.row(line)
    if row is None:
        return None
    attempt = run.attempt(row)
    if attempt is None:
        return _damaged(run, row, page)
    shown = Shown(catalogue, run, row, attempt, page, {"q": page.q, "sort": sort, "scope": scope})
    return render(
        "attempt.html",
        page=page,
        tab=tab,
        tabs=TABS,
        carry=shown.carry,
        **_head(shown),
        **_neighbours(shown, tab),
        **tab_values(shown, tab, start),
    )


def whole_page(catalogue: Catalogue, run: OpenRun, line: int, page: Page) -> str | None:
    """An attempt with all its parts on one page, as a file; None when there is no such line, or it is damaged."""
    row = run.row(line)
    attempt = run.attempt(row) if row is not None else None
    if row is None or attempt is None:
        return None
    tabs = {name: says for name, says in TABS.items() if name != "raw"}
    shown = Shown(catalogue, run, row, attempt, page, {})
    values = _head(shown)
    for name in tabs:
        values |= tab_values(shown, name, 1, all_steps=True)
    if not values["verdicts"]:
        del tabs["verdicts"]
    return render("attempt.html", page=page, tab="steps", tabs=tabs, carry={}, **values)


def _head(shown: Shown) -> dict[str, Any]:
    run, row, attempt, page = shown.run, shown.row, shown.attempt, shown.page

    def step_address(step: int) -> str:
        if page.static:
            return f"#step-{step}"
        begin = (step - 1) // A_PAGE * A_PAGE + 1
        return (
            page.to.attempt(run.name, row["line"], "", **shown.carry, start=begin if begin > 1 else None)
            + f"#step-{step}"
        )

    return {
        "head": {
            **{
                name: row[name]
                for name in (
                    "line",
                    "task",
                    "attempt",
                    "status",
                    "said",
                    "steps",
                    "tokens",
                    "cost",
                    "seconds",
                )
            },
            "title": row["title"],
            "exit": row["exit"],
            "agent": one_line(row["agent"], 60),
            "model": one_line(row["model"], 60),
            "run": run.name,
            "result": attempt.result[:_PIECE],
        },
        "limits": {"max_steps": None, **attempt.limits},
        "signs": signs(attempt, shown.gold),
        "siblings": run.rows_of_task(row["task"]),
        "step_address": step_address,
    }


def _neighbours(shown: Shown, tab: str) -> dict[str, Any]:
    """Where the attempt stands in the search that led here, and what is before and after it."""
    run, row, page, carry = shown.run, shown.row, shown.page, shown.carry
    runs = list(shown.catalogue.runs.values()) if carry["scope"] == "all" else [run]
    query = parse_query(page.q)
    found = [(one, one.find(query, carry["sort"] or "task").numbers) for one in runs]
    flat_before, place = 0, -1
    for one, numbers in found:
        if one is run:
            place = flat_before + numbers.index(row["id"]) if row["id"] in numbers else -1
            break
        flat_before += len(numbers)
    total = sum(len(numbers) for _, numbers in found)

    def address(at: int) -> str:
        for one, numbers in found:
            if 0 <= at < len(numbers):
                return page.to.attempt(one.name, one.rows([numbers[at]])[0]["line"], tab, **carry)
            at -= len(numbers)
        return ""

    up = link("attempts", q=page.q, run="" if carry["scope"] == "all" else run.name, sort=carry["sort"])
    return {
        "place": place + 1,
        "whole": total,
        "before": address(place - 1) if place > 0 else "",
        "after": address(place + 1) if 0 <= place < total - 1 else "",
        "up": up if page.q or carry["scope"] else page.to.run(run.name),
    }


def _damaged(run: OpenRun, row: sqlite3.Row, page: Page) -> str:
    text = run.raw(row)[:_SHOWN].decode("utf-8", "replace")
    said = (
        row["damage"]
        or "it is not what was indexed any more; the index is being mended, so look again in a moment"
    )
    return render(
        "damaged.html",
        page=page,
        run=run.name,
        line=row["line"],
        said=said,
        length=row["length"],
        text=visible(text),
    )


def part_page(run: OpenRun, line: int, step: int, part: Part, at: int, page: Page) -> str | None:
    """A stretch of a step's thought, call or observation; None when there is no such thing."""
    row = run.row(line)
    attempt = run.attempt(row) if row is not None else None
    if attempt is None or not 1 <= step <= len(attempt.turns):
        return None
    turn = attempt.turns[step - 1]
    at = max(at, 0)
    text, later = whole(turn, part, at, _PIECE)
    here = page.to.part(run.name, line, step, part)
    begin = (step - 1) // A_PAGE * A_PAGE + 1
    return render(
        "part.html",
        page=page,
        step=step,
        part=part,
        at=at,
        text=text,
        whole=len({"thought": turn.thought, "call": turn.action, "observation": turn.observation}[part]),
        later=f"{here}?at={later}" if later is not None else "",
        back=page.to.attempt(run.name, line, start=begin if begin > 1 else None) + f"#step-{step}",
    )
