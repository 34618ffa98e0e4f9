"""Gold patches as a person would make them: look at the place, replace it, hand in. Writes a script for ``r2egym run``.

    python train/circle/tutor.py DATASET --out script.json

The script is played with ``r2egym run DATASET --agent script:script.json``: real tools, a real sandbox, a real reward. What the
oracle does (write the patch down, ``git apply``) solves tasks too, and would teach a model to ask for a patch that it does not have.

Every second lesson has slips in it, and what is done about them: a file that is not where it was looked for, lines that are not there,
lines quoted wrongly. A model that was only shown what works loses the thread at the first answer that no lesson had.
"""

from __future__ import annotations

import argparse
import difflib
import json
from collections.abc import Iterator
from pathlib import Path

from r2egym import settings
from r2egym.mining import Repository, parse_patch
from r2egym.records import Task, ToolCall
from r2egym.tasks import load_dataset
from r2egym.tools import render

_AROUND = 4
"""Lines that are looked at before and after those that change."""
_RANGES = {"beyond": "[90000, 90008]", "reversed": "[120, 40]", "wide": "[1, 160]"}
_KINDS = (*_RANGES, "elsewhere", "incomplete", "misquoted")
"""Slips: lines that are not there, or more of them than one needs; a file that is elsewhere; a call without all it needs; lines that
are quoted wrongly."""


def lessons(task: Task, repository: Repository, *, slips: bool = False) -> list[str]:
    """The turns that put a task's gold patch in place; ``slips``: with mistakes on the way, which are mended."""
    turns: list[str] = []
    for part in parse_patch(task.patch, max_bytes=1 << 30):
        before = repository.read(task.base_commit, part.path)
        after = repository.read(task.fix_commit, part.path)
        if after is None:
            command = {"cmd": f"git rm -q {part.path}"}
            turns.append(_turn(f"{part.path} has to go.", "execute_bash", command))
        elif before is None:
            created = {"command": "create", "path": f"/testbed/{part.path}", "file_text": after.decode()}
            turns.append(_turn(f"{part.path} is missing, so I write it.", "file_editor", created))
        else:
            edits = list(_edits(part.path, before.decode(), after.decode()))
            turns += _clumsy(part.path, edits) if slips else edits
    return [*turns, _turn("That is all.", "finish", {"command": "submit"})]


def _edits(path: str, before: str, after: str) -> Iterator[str]:
    """A look at each place that changes, and its change."""
    now, goal = before.splitlines(keepends=True), after.splitlines(keepends=True)
    while now != goal:
        matcher = difflib.SequenceMatcher(None, now, goal, autojunk=False)
        _, low, high, start, end = next(code for code in matcher.get_opcodes() if code[0] != "equal")
        text = "".join(now)
        while text.count("".join(now[low:high])) != 1 or low == high:
            low, start, high, end = low - (low > 0), start - (start > 0), high + 1, end + 1
            if high > len(now):
                high, end = len(now), len(goal) if end > len(goal) else end - 1
        view = {
            "command": "view",
            "path": f"/testbed/{path}",
            "view_range": f"[{max(low + 1 - _AROUND, 1)}, {min(high + _AROUND, len(now))}]",
        }
        yield _turn(f"I look at {path}.", "file_editor", view)
        old, new = "".join(now[low:high]), "".join(goal[start:end])
        change = {"command": "str_replace", "path": f"/testbed/{path}", "old_str": old, "new_str": new}
        yield _turn("This is what has to change.", "file_editor", change)
        now = text.replace(old, new).splitlines(keepends=True)


def _clumsy(path: str, edits: list[str]) -> Iterator[str]:
    """The same edits by somebody who slips: one kind of slip before each, in turn."""
    here, name = f"/testbed/{path}", path.rpartition("/")[2]
    for number, turn in enumerate(edits):
        kind = _KINDS[(number + len(path) + len(turn)) % len(_KINDS)]
        if number % 2 == 0 and kind in _RANGES:
            look = {"command": "view", "path": here, "view_range": _RANGES[kind]}
            yield _turn(f"I look at {path}.", "file_editor", look)
        elif number % 2 == 0 and kind == "elsewhere":
            wrong = f"/testbed/{name}" if "/" in path else f"/testbed/src/{path}"
            yield _turn(f"I look at {path}.", "file_editor", {"command": "view", "path": wrong})
            yield _turn(
                "It is not there, so I look for it.", "execute_bash", {"cmd": f"git ls-files | grep {name}"}
            )
        elif number % 2 == 1 and kind == "incomplete":
            lines = (line for line in turn.splitlines(keepends=True))
            yield _without_old(lines)
        elif number % 2 == 1:
            yield turn.replace("<parameter=old_str>", "<parameter=old_str>#", 1)
            yield edits[number - 1].replace("I look at", "That is not what it says. I look again at", 1)
        yield turn


def _without_old(lines: Iterator[str]) -> str:
    """A replacement that does not say what to replace."""
    kept, inside = [], False
    for line in lines:
        inside = inside or line.lstrip().startswith("<parameter=old_str>")
        if not inside:
            kept.append(line)
        inside = inside and not line.rstrip().endswith("</parameter>")
    return "".join(kept)


def _turn(thought: str, name: str, arguments: dict[str, str]) -> str:
    return f"{thought}\n\n{render(ToolCall(name=name, arguments=dict(arguments)))}"


def _repository(task: Task, root: Path | None) -> Repository:
    place = task.environment.repository
    bundled = root / place if root is not None and place.startswith("repos/") else place
    return Repository.open(str(bundled), settings.load().home)


def main() -> None:
    """Write the script."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    dataset = load_dataset(given.dataset)
    script = {}
    for task in dataset:
        slips = len(script) % 2 == 1
        try:
            script[task.instance_id] = lessons(task, _repository(task, dataset.root), slips=slips)
        except UnicodeDecodeError:
            print(f"{task.instance_id} is left out: a file of it is not UTF-8")
    given.out.write_text(json.dumps(script, indent=1, ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    main()
