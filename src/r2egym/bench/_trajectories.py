"""Runs of any size to look at, made without running anything: text with the word frequencies of real output."""

from __future__ import annotations

import itertools
import json
import random
from pathlib import Path
from typing import Any

_WORDS = 30_000
_POOL = 4 << 20
"""Characters of text that everything is cut from."""
_TASK_ATTEMPTS = 16
_ENDS = ("agent", "agent", "agent", "token_limit", "abs_step_limit", "traj_time_limit")
_TOOLS = ("file_editor", "execute_bash", "execute_bash", "search")
_LONG_OBSERVATION = 300
RARE = "xylograph"
"""A word of one attempt in a thousand."""
COMMON = "self"
"""A word of nearly every attempt."""


def make_run(
    folder: Path, attempts: int, *, size: int = 50_000, long_steps: int = 10_000, seed: int = 0
) -> Path:
    """Write a run's folder.

    Args:
        folder: to make.
        attempts: how many lines.
        size: bytes of a line, about.
        long_steps: steps of the one attempt, in the middle, that is longer than all others.
        seed: of everything.
    """
    draw = random.Random(seed)  # noqa: S311 - a measurement
    pool = _pool(draw)
    folder.mkdir(parents=True, exist_ok=True)
    said = {
        "dataset": "made up",
        "planned": attempts,
        "agent": {"kind": "edit", "model": "made-up"},
        "terms": {},
    }
    (folder / "run.json").write_text(json.dumps(said))
    with (folder / "trajectories.jsonl").open("w", encoding="utf-8") as stream:
        for number in range(attempts):
            long = number == attempts // 2
            steps = long_steps if long else draw.randint(10, 50)
            observation = _LONG_OBSERVATION if long else max(size // steps - 900, 100)
            stream.write(json.dumps(_attempt(draw, pool, number, steps, observation)) + "\n")
    return folder


def _pool(draw: random.Random) -> str:
    """Lines of identifiers, the commonest of which are very common."""
    letters = "etaoinshrdlucmfwygpbvk"
    words = [COMMON, "def", "return", "import", "assert", "test", "None", "line", "in", "for"]
    words += ["".join(draw.choices(letters, k=draw.randint(3, 12))) for _ in range(_WORDS)]
    weights = [*itertools.accumulate(1 / (rank + 3) for rank in range(len(words)))]
    parts, long = [], 0
    while long < _POOL:
        line = (
            "    " * draw.randint(0, 3)
            + " ".join(draw.choices(words, cum_weights=weights, k=draw.randint(2, 12)))
            + "\n"
        )
        parts.append(line)
        long += len(line)
    return "".join(parts)


def _attempt(draw: random.Random, pool: str, number: int, steps: int, observation: int) -> dict[str, Any]:
    def text(length: int) -> str:
        at = draw.randrange(len(pool) - length)
        return pool[at : at + length]

    task, reward = (
        f"made-up-{number // _TASK_ATTEMPTS % 50}__{number // _TASK_ATTEMPTS:012x}",
        draw.randrange(2),
    )
    turns = [_step(draw, text, place, observation) for place in range(steps)]
    if number % 1_000 == 7:  # noqa: PLR2004 - anywhere
        turns[0]["thought"] += f" {RARE}"
    return {
        "trajectory_steps": turns,
        "problem_statement": text(900),
        "max_steps": 40, "max_steps_absolute": 50, "max_token_limit": 32_768, "max_llm_time": 120, "max_exec_time": 90,
        "max_total_time": 1_200,
        "exit_reason": draw.choice(_ENDS),
        "output_patch": f"diff --git a/made/up.py b/made/up.py\n--- a/made/up.py\n+++ b/made/up.py\n@@ -1 +1 @@\n-{text(60).strip()}\n",
        "reward": float(reward),
        "instance_id": task, "attempt": number % _TASK_ATTEMPTS, "identity": f"{number:064x}",
        "agent": "edit", "model": "made-up",
        "grade": {
            "instance_id": task, "resolved": bool(reward), "score": float(reward),
            "f2p": {"tests/test_up.py::test_up": "PASSED" if reward else "FAILED"}, "p2p": {}, "tampering": [],
        },
        "cost": 0.01 * steps,
    }  # fmt: skip


def _step(draw: random.Random, text: Any, place: int, observation: int) -> dict[str, Any]:
    tool = draw.choice(_TOOLS)
    arguments = (
        {"cmd": text(80).strip()}
        if tool == "execute_bash"
        else {"path": "/testbed/made/up.py", "command": "view"}
    )
    body = "".join(itertools.chain((f"0x{draw.getrandbits(40):x} ",), text(observation)))
    return {
        "step_idx": place, "thought": text(300), "action": f"<function={tool}>\n  {arguments}\n</function>",
        "observation": body, "done": False, "info": {}, "token_usage_prompt": 8_000 + place, "token_usage_completion": 90,
        "token_usage_total": 8_090 + place, "llm_exec_time": 2.0, "env_exec_time": 0.1, "total_step_time": 2.1,
        "total_time_traj": 2.1 * (place + 1), "step_count": place + 1, "call": {"name": tool, "arguments": arguments},
        "exit_code": draw.choice((0, 0, 0, 1)),
    }  # fmt: skip
