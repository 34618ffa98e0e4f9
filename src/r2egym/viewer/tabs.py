"""The parts of an attempt's page: steps, patch, tests, task, verdicts, raw record."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from r2egym.viewer.attempts import Attempt
from r2egym.viewer.catalogue import Catalogue, OpenRun
from r2egym.viewer.highlight import code, diff, prose
from r2egym.viewer.page import Page
from r2egym.viewer.query import parse_query
from r2egym.viewer.reasons import PASSED
from r2egym.viewer.render import count, duration
from r2egym.viewer.steps import A_PAGE, step_view
from r2egym.viewer.text import clip, one_line, visible

if TYPE_CHECKING:
    from r2egym.records import Task

_RAW = 200_000
"""Characters of a record that are shown."""
_TESTS = 300
_OUTPUT_LINES = 60


@dataclass(frozen=True, slots=True)
class Shown:
    """The attempt that a page is about."""

    catalogue: Catalogue
    run: OpenRun
    row: sqlite3.Row
    attempt: Attempt
    page: Page
    carry: Mapping[str, str]
    """What addresses carry along: the search that led here."""

    @property
    def task(self) -> Task | None:
        """The row of its task, if a dataset that is open has it."""
        found = self.catalogue.task(self.attempt.task)
        return found[1] if found else None

    @property
    def gold(self) -> str:
        """The gold patch, from the dataset or from the record; empty: not known."""
        task = self.task
        return task.patch if task else self.attempt.gold


def tab_values(shown: Shown, tab: str, start: int, *, all_steps: bool = False) -> dict[str, Any]:
    """What the template of a part needs.

    Args:
        shown: the attempt.
        tab: which part.
        start: the first step to show.
        all_steps: show all, however many there are.
    """
    if tab == "steps":
        return _steps(shown, start, all_steps=all_steps)
    return _PARTS[tab](shown)


def _patch(shown: Shown) -> dict[str, Any]:
    ignored = [visible(path) for path in shown.attempt.ignored]
    return {"patch": diff(shown.attempt.patch), "gold": diff(shown.gold), "ignored": ignored}


def _verdicts(shown: Shown) -> dict[str, Any]:
    said = shown.run.verdicts(shown.row["task"], shown.row["attempt"])
    return {"verdicts": [_verdict(one) for one in said]}


def _limits(shown: Shown) -> dict[str, Any]:
    """Each limit that is known, and how much of it was used."""
    attempt = shown.attempt
    turns, most = attempt.turns, attempt.limits
    tokens = max((turn.total or 0 for turn in turns), default=0)
    model = max((turn.model_seconds for turn in turns), default=0.0)
    tool = max((turn.tool_seconds for turn in turns), default=0.0)
    used = {
        "max_steps": ("Steps until it is asked to hand in", len(turns), count),
        "max_steps_absolute": ("Steps at most", len(turns), count),
        "max_token_limit": ("Tokens of one request and its answer", tokens, count),
        "max_total_time": ("Time in models and tools", attempt.seconds, duration),
        "max_llm_time": ("Longest model call", model, duration),
        "max_exec_time": ("Longest command", tool, duration),
    }
    bounds = [
        {
            "name": says,
            "used": show(number),
            "allowed": show(most[name]),
            "share": number / most[name],
            "full": number >= most[name],
        }
        for name, (says, number, show) in used.items()
        if name in most
    ]
    return {"bounds": bounds}


def _task(shown: Shown) -> dict[str, Any]:
    found = shown.catalogue.task(shown.attempt.task)
    statement = found[1].problem_statement if found else ""
    address = shown.page.to.task(found[0], shown.attempt.task) if found else ""
    return {"statement": prose(statement or shown.attempt.statement), "task_address": address}


def _steps(shown: Shown, start: int, *, all_steps: bool) -> dict[str, Any]:
    turns, attempt = shown.attempt.turns, shown.attempt
    length = max(len(turns), 1) if all_steps else A_PAGE
    begin = max(min(start, len(turns)), 1)
    begin = (begin - 1) // length * length
    here = turns[begin : begin + length]
    windows = [
        (
            first + 1,
            min(first + length, len(turns)),
            ""
            if first == begin
            else shown.page.to.attempt(shown.run.name, shown.row["line"], "", **shown.carry, start=first + 1),
        )
        for first in range(0, len(turns), length)
    ]
    return {
        "steps": [step_view(turn) for turn in here],
        "windows": windows,
        "outline": len(turns) > 1,
        "opening": [
            (one_line(role, 20), clip(text, lines=10**6, most=40_000)) for role, text in attempt.opening[:8]
        ],
        "words": parse_query(shown.page.q).words,
    }


def _tests(shown: Shown) -> dict[str, Any]:
    attempt, task = shown.attempt, shown.task
    base: Mapping[str, str] = task.base_statuses if task else {}
    gold: Mapping[str, str] = task.gold_statuses if task else {}
    rows = [
        {
            "name": name,
            "role": role,
            "base": str(base.get(name, "")),
            "gold": str(gold.get(name, "")),
            "here": status,
            "bad": status != PASSED,
            "seal": attempt.seal.get(name, ""),
        }
        for role, statuses in (("begin to pass", attempt.f2p), ("keep passing", attempt.p2p))
        for name, status in statuses.items()
    ]
    rows.sort(key=lambda test: not test["bad"])
    return {
        "tests": rows[:_TESTS],
        "tests_left": max(len(rows) - _TESTS, 0),
        "sealed": bool(attempt.seal),
        "note": attempt.note or attempt.cause,
        "tampering": attempt.tampering,
        "output": clip(attempt.test_output, lines=_OUTPUT_LINES, most=_RAW) if attempt.test_output else None,
    }


def _verdict(said: Any) -> dict[str, str]:
    """A line of verdicts.jsonl for people; of any shape."""
    said = said if isinstance(said, dict) else {}

    def of(name: str) -> str:
        number, whole_number = said.get(name), said.get(f"{name}_total")
        if not isinstance(number, int | float):
            return "\u2013"
        return f"{number:g} of {whole_number:g}" if isinstance(whole_number, int | float) else f"{number:g}"

    score, failure = said.get("score"), said.get("failure")
    cause = failure.get("cause") if isinstance(failure, dict) else ""
    return {
        "verifier": one_line(str(said.get("verifier") or "not named"), 60),
        "score": f"{score:.3f}" if isinstance(score, int | float) else "\u2013",
        "regression": of("regression"),
        "tests": of("tests"),
        "note": one_line(str(said.get("note") or cause or ""), 300),
    }


def _raw(shown: Shown) -> dict[str, Any]:
    run, row = shown.run, shown.row
    raw = run.raw(row)[: _RAW * 4]
    try:
        text = json.dumps(json.loads(raw), indent=1, ensure_ascii=False)
    except (ValueError, RecursionError):
        text = raw.decode("utf-8", "replace")
    part = text[:_RAW]
    return {
        "raw": code(part, ".json" if len(text) <= _RAW else ""),
        "raw_left": max(row["length"] - len(part), 0)
        if len(part) < len(text) or row["length"] > len(raw)
        else 0,
        "length": row["length"],
        "file": run.source.path.name,
    }


_PARTS = {
    "patch": _patch,
    "tests": _tests,
    "task": _task,
    "verdicts": _verdicts,
    "limits": _limits,
    "raw": _raw,
}
