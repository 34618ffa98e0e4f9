"""Published lines, and ours."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from tests.environment.ground import several

from r2egym.agenthub.trajectory import Trajectory, TrajectoryStep
from r2egym.environment import Facilities
from r2egym.records import Task
from r2egym.rollouts import Run, RunOptions, agent_spec


def step(number: int, action: str, **more: Any) -> dict[str, Any]:
    """A step as published files have it."""
    return {
        "step_idx": number, "thought": "I think.", "action": action, "observation": "a\nb\n", "done": False,
        "info": {"total_time": 1.0}, "token_usage_prompt": 10, "token_usage_completion": 2,
        "token_usage_total": 12, "llm_exec_time": 1.5, "env_exec_time": 0.5, "total_step_time": 2.0,
        "total_time_traj": 2.0 * (number + 1), "step_count": number + 1, **more,
    }  # fmt: skip


def call(name: str, **parameters: str) -> str:
    """A call as published files have it."""
    lines = [f"  <parameter={key}>{value}</parameter>" for key, value in parameters.items()]
    return "\n".join([f"<function={name}>", *lines, "</function>"])


def line(**more: Any) -> str:
    """A published line."""
    value = {
        "trajectory_steps": [
            step(0, call("file_editor", command="view", path="/testbed/a/b.py")),
            step(1, call("file_editor", command="str_replace", path="/testbed/a/b.py", old_str="x")),
            step(2, call("file_editor", command="create", path="/testbed/new.py", file_text="x")),
            step(3, call("execute_bash", cmd="cd /testbed/testbed")),
            step(4, call("finish", command="submit"), token_usage_total=-1),
        ],
        "problem_statement": "It is wrong.", "docker_image": "image:1", "exp_name": "e", "env_args": {},
        "agent_args": {"llm_name": "m"}, "ds": {"patch": "diff --git a/x b/x\n", "repo": "x"},
        "max_steps": 40, "max_steps_absolute": 50, "max_token_limit": 32768, "max_llm_time": 120,
        "max_exec_time": 90, "max_total_time": 1200, "exit_reason": "agent", "output_patch": "diff",
        "reward": 1.0, "test_output": "", "custom_test_outputs": {}, "regression_test_output": None,
        "something_new": [1], **more,
    }  # fmt: skip
    return json.dumps(value)


def test_a_published_line():
    """Everything that a reader asks for; what is not known counts as nothing, what is new is ignored."""
    one = Trajectory.load_from_model_dump_json(line())
    assert (one.num_steps, one.num_tokens_prompt, one.num_tokens_completion, one.num_tokens_total) == (
        5,
        50,
        10,
        48,
    )
    assert (one.total_time_traj, one.total_llm_time, one.total_env_time) == (10.0, 7.5, 2.5)
    assert one.llm_time_by_step == [1.5] * 5
    assert one.pass_1
    assert one.viewer_files == ["a/b.py"]
    assert one.editor_files == ["a/b.py"]
    assert one.created_files == ["new.py"]
    assert one.has_bad_path
    assert one.num_lines_bash_exec == [2]
    assert one.true_output_patch == one.output_patch == "diff"
    assert one.gt_patch.startswith("diff --git a/x")
    assert one.trajectory_steps[3].parsed_action.parameters == {"cmd": "cd /testbed/testbed"}
    assert Trajectory.load_from_model_dump_json(one.model_dump_json()) == one


def test_hostile_lines_are_read_as_data():
    """Code in a path or a range is text; a line without steps has no time; no JSON is an error of its own."""
    evil = call("file_editor", command="view", path="__import__('os').abort().py", view_range="exit()")
    one = Trajectory.load_from_model_dump_json(
        line(trajectory_steps=[step(0, evil), step(1, "no call")], ds=None)
    )
    assert one.viewer_files == ["__import__('os').abort().py"]
    assert one.gt_patch == ""
    assert Trajectory(trajectory_steps=[]).total_time_traj == 0
    assert TrajectoryStep(step_idx=0).parsed_action.function_name == ""
    with pytest.raises(ValidationError):
        Trajectory.load_from_model_dump_json("{")


def test_our_own_lines(facilities: Facilities, task: Task, tmp_path: Path):
    """A run's trajectories.jsonl."""
    list(Run(tmp_path / "run", several(task, 1), agent_spec("oracle"), RunOptions(), facilities))
    one = Trajectory.load_from_model_dump_json((tmp_path / "run/trajectories.jsonl").read_bytes())
    assert one.pass_1
    assert one.num_steps == 3
    assert one.output_patch
    assert one.identity
