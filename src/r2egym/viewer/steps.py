"""Steps as a page shows them: what is seen at once, what is folded, what is fetched on demand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Literal

from markupsafe import Markup

from r2egym.viewer.attempts import Turn, arguments_of, text_of
from r2egym.viewer.highlight import change, code
from r2egym.viewer.text import Clip, clip, one_line, visible

Part = Literal["thought", "call", "observation"]
PARTS: tuple[Part, ...] = ("thought", "call", "observation")
A_PAGE = 100
"""Steps of a page."""
_SHOWN_LINES = 14
"""Of an observation, before one unfolds it."""
_SENT = 30_000
"""Characters of an observation that a page holds, folded ones too."""
_THOUGHT_LINES = 40
_CALL = 20_000
_TESTBED = "/testbed/"


@dataclass(frozen=True, slots=True)
class Block:
    """A part of a call."""

    label: str
    """What it is; may be empty."""
    body: Markup
    left: int
    """Characters that are not shown."""
    lines: int
    is_change: bool = False


@dataclass(frozen=True, slots=True)
class StepView:
    """One step."""

    number: int
    tool: str
    headline: str
    """The call in one line."""
    thought: Clip
    blocks: tuple[Block, ...]
    """The call, where one line does not tell all of it."""
    observation: Clip
    failed: bool
    """Whether its command exited non-zero, ran out of time, or was refused."""
    notes: tuple[str, ...]
    turn: Turn


def headline(turn: Turn, most: int = 120) -> str:
    """A call in one line."""
    given = arguments_of(turn)
    if not turn.tool:
        return one_line(turn.action, most)
    words = [
        text_of(given.get(name)) for name in ("command", "cmd", "search_term", "path", "view_range", "result")
    ]
    command, cmd, term, path, extent, result = words
    if cmd or turn.tool in {"execute_bash", "bash"}:
        return one_line((cmd or command).removeprefix("cd /testbed && "), most)
    path = path.removeprefix(_TESTBED) if path != _TESTBED else path
    parts = [
        command,
        f"\u201c{term}\u201d" if term else "",
        f"in {path}" if term and path else path,
        extent,
        result,
    ]
    return one_line(" ".join(part for part in parts if part) or turn.tool, most)


def step_view(turn: Turn) -> StepView:
    """A step as a page shows it."""
    given = arguments_of(turn)
    notes = []
    if turn.exit_code:
        notes.append(f"exit code {turn.exit_code}")
    if turn.timed_out:
        notes.append("ran out of time")
    if turn.refused:
        notes.append("refused")
    notes += [f"mended: {one_line(repair, 80)}" for repair in turn.repairs[:3]]
    return StepView(
        number=turn.number,
        tool=one_line(turn.tool, 40),
        headline=headline(turn),
        thought=clip(turn.thought.strip(), lines=_THOUGHT_LINES, most=_SENT),
        blocks=_blocks(turn, given),
        observation=clip(_bare(turn), lines=_SHOWN_LINES, most=_SENT),
        failed=bool(turn.exit_code) or turn.timed_out or turn.refused,
        notes=tuple(notes),
        turn=turn,
    )


def _bare(turn: Turn) -> str:
    """An observation without what the step's own marks tell already."""
    text = turn.observation
    if turn.exit_code is not None:
        text = text.removeprefix(f"Exit code: {turn.exit_code}\n")
    return text.removeprefix(f"Execution output of [{turn.tool}]:\n")


def _blocks(turn: Turn, given: Mapping[str, Any]) -> tuple[Block, ...]:
    if not given:
        return (_block("", turn.action, ""),) if turn.action and not turn.tool else ()
    suffix = PurePosixPath(text_of(given.get("path"))).suffix
    cmd = text_of(given.get("cmd")) or (
        text_of(given.get("command")) if turn.tool in {"execute_bash", "bash"} else ""
    )
    if cmd:
        plain = cmd.strip().removeprefix("cd /testbed && ")
        return (_block("", cmd, ".sh"),) if plain != headline(turn) else ()
    old, new = (text_of(given.get(name)) for name in ("old_str", "new_str"))
    if old:
        body = change(old, new)
        left = max(len(old) + len(new) - 80_000, 0)
        return (Block("", body, left, old.count("\n") + new.count("\n") + 2, is_change=True),)
    told = {"command", "path", "cmd", "search_term", "view_range", "old_str", "result", "concise"}
    return tuple(
        _block(name if name not in {"file_text", "new_str"} else "", text_of(value), suffix)
        for name, value in given.items()
        if name not in told and text_of(value)
    )


def _block(label: str, text: str, suffix: str) -> Block:
    return Block(
        one_line(label, 40), code(text[:_CALL], suffix), max(len(text) - _CALL, 0), text.count("\n") + 1
    )


def part_of(turn: Turn, part: Part) -> str:
    """The whole text of a part of a step."""
    return {"thought": turn.thought, "call": turn.action, "observation": turn.observation}[part]


def whole(turn: Turn, part: Part, at: int, most: int) -> tuple[str, int | None]:
    """A stretch of a part, fit to be shown, and where the next one begins, if there is one."""
    text = part_of(turn, part)
    end = at + most
    return visible(text[at:end]), end if end < len(text) else None
