"""Trajectories to look at, made without running anything."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from r2egym.records import (
    Environment,
    Failure,
    HiddenFile,
    HiddenTests,
    Recipe,
    Size,
    Step,
    Task,
    TestStatus,
    ToolCall,
    Trajectory,
    Validation,
)
from r2egym.tools import render

PATCH = """diff --git a/larder/units.py b/larder/units.py
--- a/larder/units.py
+++ b/larder/units.py
@@ -1,2 +1,2 @@
 def grams(amount):
-    return amount
+    return round(amount)
"""
CALLS = (
    ToolCall(name="file_editor", arguments={"command": "view", "path": "/testbed/larder/units.py"}),
    ToolCall(name="search", arguments={"search_term": "grams", "path": "/testbed"}),
    ToolCall(name="execute_bash", arguments={"cmd": "cd /testbed && python -m pytest -q"}),
    ToolCall(name="finish", arguments={"command": "submit"}),
)
F2P, P2P = "tests/test_units.py::test_grams", "tests/test_units.py::test_read"


def step(number: int, call: ToolCall | None = None, **more: Any) -> Step:
    """A step, numbered from 0."""
    values: dict[str, Any] = {
        "step_idx": number,
        "thought": f"Thought {number}.",
        "action": render(call) if call else "",
        "observation": f"Exit code: 0\nExecution output of [{call.name if call else ''}]:\noutput {number}",
        "done": False,
        "token_usage_prompt": 1_000,
        "token_usage_completion": 50,
        "token_usage_total": 1_050,
        "llm_exec_time": 1.5,
        "env_exec_time": 0.5,
        "total_step_time": 2.0,
        "total_time_traj": 2.0 * (number + 1),
        "step_count": number + 1,
        "call": call,
        "exit_code": 0,
    }
    return Step.model_validate(values | more)


def trajectory(
    task: str = "larder__000000000001",
    attempt: int = 0,
    *,
    reward: float | None = 1.0,
    calls: Sequence[ToolCall | None] = CALLS,
    steps: Sequence[Step] | None = None,
    grade: dict[str, Any] | None = None,
    failure: Failure | None = None,
    **more: Any,
) -> Trajectory:
    """An attempt; by default one that passed."""
    status = TestStatus.PASSED if reward == 1 else TestStatus.FAILED
    values: dict[str, Any] = {
        "trajectory_steps": tuple(steps if steps is not None else map(step, range(len(calls)), calls)),
        "problem_statement": "# Grams are rounded\n\nThey `should` be.",
        "max_steps": 40,
        "max_steps_absolute": 50,
        "max_token_limit": 32_768,
        "max_llm_time": 120,
        "max_exec_time": 90,
        "max_total_time": 1_200,
        "exit_reason": "agent",
        "output_patch": PATCH,
        "reward": reward,
        "instance_id": task,
        "attempt": attempt,
        "identity": f"{task}-{attempt}",
        "agent": "edit",
        "model": "a-model",
        "failure": failure,
        "masked": failure is not None,
        "grade": None
        if failure
        else {
            "instance_id": task,
            "resolved": reward == 1,
            "score": reward,
            "f2p": {F2P: status},
            "p2p": {P2P: TestStatus.PASSED},
            **(grade or {}),
        },
        "cost": 0.25,
    }
    return Trajectory.model_validate(values | more)


def broken_sandbox() -> Failure:
    """A failure of the machinery."""
    return Failure(boundary="sandbox", cause="the disk is full")


def mixed(tasks: int = 3) -> list[Trajectory]:
    """Four attempts a task, each of which ended in another way."""
    made = []
    for number in range(tasks):
        task = f"larder__{number:012x}"
        made += [
            trajectory(task, 0),
            trajectory(task, 1, reward=0.0, exit_reason="token_limit"),
            trajectory(task, 2, reward=0.0, grade={"tampering": ("a twin passed beside its test",)}),
            trajectory(task, 3, reward=None, failure=broken_sandbox(), output_patch=""),
        ]
    return made


def lines(trajectories: Iterable[Trajectory]) -> bytes:
    """A file of them."""
    return b"".join(one.model_dump_json().encode() + b"\n" for one in trajectories)


def write_run(folder: Path, trajectories: Iterable[Trajectory], *, planned: int | None = None) -> Path:
    """A run's folder as far as the viewer reads it."""
    folder.mkdir(parents=True, exist_ok=True)
    said = {
        "dataset": "tasks",
        "planned": planned,
        "agent": {"kind": "edit", "model": "a-model"},
        "terms": {},
    }
    (folder / "run.json").write_text(json.dumps(said))
    (folder / "trajectories.jsonl").write_bytes(lines(trajectories))
    return folder


def published(image: str = "someone/larder_final:0123456789abcdef", **more: Any) -> dict[str, Any]:
    """A line as published trajectory files have it."""
    value = json.loads(trajectory(grade=None).model_dump_json())
    ours = {
        "instance_id", "attempt", "identity", "task_hash", "agent", "model", "mode", "opening", "result", "grade", "failure",
        "masked", "superseded", "cost",
    }  # fmt: skip
    kept = {name: item for name, item in value.items() if name not in ours}
    theirs = {"call", "said", "reminder", "exit_code", "repairs"}
    kept["trajectory_steps"] = [
        {name: item for name, item in one.items() if name not in theirs} for one in value["trajectory_steps"]
    ]
    return {**kept, "docker_image": image, "exp_name": "r2egym-7b", **more}


def a_task(name: str = "larder__000000000000", **more: Any) -> Task:
    """A task, with all that its page shows."""
    values: dict[str, Any] = {
        "instance_id": name,
        "repo": "larder",
        "base_commit": "b" * 40,
        "fix_commit": "f" * 40,
        "patch": PATCH,
        "test_patch": "",
        "fail_to_pass": (F2P,),
        "pass_to_pass": (P2P,),
        "base_statuses": {F2P: TestStatus.MISSING, P2P: TestStatus.PASSED},
        "gold_statuses": {F2P: TestStatus.PASSED, P2P: TestStatus.PASSED},
        "environment": Environment(
            repository="repos/larder.bundle",
            recipe=Recipe(python="3.11"),
            as_of="2024-01-02T03:04:05Z",
            lock=("pytest==8.0.0",),
        ),
        "hidden_tests": HiddenTests(
            files=(HiddenFile(path="tests/test_units.py", content="def test_grams(): ..."),)
        ),
        "problem_statement": "# Counting is off\n\nIt counts `jars` twice.\n\n```python\nassert count() == 2\n```\n",
        "validation": Validation(
            gold=1.0,
            empty=0.0,
            runs=3,
            attacks={"conftest_report+pth_file": 0.0},
            seal={F2P: "polarity"},
            forgeable=True,
        ),
        "size": Size(
            files=1,
            hunks=1,
            added=1,
            removed=1,
            entities=1,
            directories=1,
            widest_gap=0,
            fail_to_pass=1,
            pass_to_pass=1,
        ),
    }
    return Task.model_validate(values | more)
