"""The published runtime and environment over a real box."""

from pathlib import Path
from typing import Any

import pytest

from r2egym.agenthub.action import Action
from r2egym.agenthub.environment.env import EnvArgs, RepoEnv
from r2egym.agenthub.runtime.docker import DockerRuntime
from r2egym.agenthub.runtime.runtime import DockerRuntime as Same
from r2egym.environment import Facilities
from r2egym.errors import GraderError
from r2egym.records import Failure, Reward, Task


def test_commands(hub: RepoEnv):
    """Output and code as published: 0, an error with its number, -1 with a sentence."""
    runtime = hub.runtime
    assert Same is DockerRuntime
    assert runtime.run("pwd") == ("/testbed\n", "0")
    assert runtime.run("pwd", workdir="/tmp") == ("/tmp\n", "0")
    assert runtime.run("echo", args="a b") == ("a b\n", "0")
    assert runtime.run("echo out; echo err >&2; exit 3") == ("out\nerr\n", "Error: Exit code 3")
    said, code = runtime.run("sleep 30", timeout=1)
    assert code == "-1"
    assert "1 s" in said
    assert runtime.demux_run("echo out; echo err >&2") == ("out\n", "err\n", "0")
    assert runtime.demux_run("exit 2")[2] == "Error: Exit code 2"
    assert runtime.run("printf '\\033[31mred\\033[0m\\r\\n'")[0] == "red\n"


def test_files_and_patches(hub: RepoEnv, task: Task, tmp_path: Path):
    """Written, copied, applied, taken back."""
    runtime = hub.runtime
    (tmp_path / "mine").write_text("mine")
    runtime.copy_to_container(tmp_path / "mine", "/tmp/mine")
    assert runtime.read_file("/tmp/mine") == "mine"
    assert runtime.create_file("notes.txt", "a\n") == ("", "0")
    assert runtime.run("cat notes.txt && rm notes.txt")[0] == "a\n"
    assert runtime.get_patch() == ""
    assert runtime.apply_patch(task.patch)[1] == "0"
    assert "return len(jars)\n" in runtime.get_patch()
    assert runtime.apply_patch(task.patch)[1] != "0"
    assert runtime.reverse_patch(task.patch)[1] == "0"
    assert runtime.get_patch() == ""
    assert runtime.get_gt_commit().get_patch(test_file=False) == task.patch
    assert runtime.commit.get_patch(test_file=True, non_test_file=False) == ""
    assert runtime.repo_name == "larder"
    assert runtime.ds["instance_id"] == task.instance_id


def test_git(hub: RepoEnv, task: Task):
    """Branches, commits, and back."""
    runtime = hub.runtime
    start = runtime.get_current_commit_hash()
    assert runtime.start_new_branch()[1] == "0"
    runtime.create_file("new.txt", "a\n")
    assert runtime.commit_after_step(1) == ("", "0")
    assert runtime.get_current_commit_hash() != start
    assert runtime.undo_last_commit()[1] == "0"
    assert runtime.get_current_commit_hash() == start
    runtime.create_file("new.txt", "a\n")
    runtime.commit_after_step(2)
    assert runtime.soft_git_reset()[1] == "0"
    assert runtime.get_current_commit_hash() == start
    assert runtime.read_file("/testbed/new.txt") == "a\n"
    assert runtime.checkout(task.base_commit)[1] == "0"


def test_rewards(hub: RepoEnv, task: Task):
    """0 as it is, 1 with the gold patch, and the listing when asked for; nothing hidden is left in the box."""
    runtime = hub.runtime
    assert runtime._calculate_reward() == 0.0
    runtime.apply_patch(task.patch)
    assert runtime._calculate_reward(get_test_output=True, timeout=60)[0] == hub.compute_reward() == 1.0
    listing, code = runtime.run_tests()
    assert code == "0"
    assert "PASSED tests/test_shelf.py::test_label" in listing.splitlines()
    assert "test_take" not in runtime.run("grep -rs test_take /testbed/tests /root /tmp")[0]


def test_a_broken_grader_is_no_reward(hub: RepoEnv, facilities: Facilities, monkeypatch: pytest.MonkeyPatch):
    """Never a 0: an exception with its cause."""

    def grade(self: Facilities, task: Task, patch: str, **_: object) -> Reward:
        failure = Failure(boundary="grader", cause="no room")
        return Reward(instance_id=task.instance_id, resolved=None, score=None, failure=failure)

    monkeypatch.setattr(Facilities, "grade", grade)
    for ask in (hub.compute_reward, hub.runtime._calculate_reward, hub.runtime.run_tests):
        with pytest.raises(GraderError, match="no room"):
            ask()


def test_an_episode_by_hand(hub: RepoEnv, row: dict[str, Any], task: Task):
    """Four values a step; reset brings the base state back; the agent's word ends it."""
    assert hub.reset() == "Environment reset"
    touch = Action("execute_bash", {"cmd": "echo x > larder/new.py; exit 4"})
    observation, reward, done, info = hub.step(touch)
    assert str(observation) == "Exit code: 4\nExecution output of [execute_bash]:\n"
    assert (reward, done, hub.calculate_reward(observation)) == (0, False, 0)
    assert info["total_time"] > 0
    assert "new.py" in hub.runtime.get_patch()
    hub.reset()
    assert hub.runtime.get_patch() == ""
    output, code, seconds = hub.run_action(Action("search", {"search_term": "def count"}), timeout=10)
    assert "larder/shelf.py" in output
    assert (code, seconds > 0) == ("0", True)
    assert hub.run_action(Action("execute_bash", {"cmd": "sleep 9"}), timeout=0.5)[1] == "-1"
    assert hub.run_action(Action("no_such_tool", {}))[1] == "-1"
    observation, _, done, _ = hub.step(Action("finish", {"command": "submit"}), timeout=10)
    assert (str(observation), done, hub.check_done()) == ("<<< Finished >>>", True, True)
    assert hub.get_stats() == row
    assert hub.get_task_instruction() == task.problem_statement
    hub.reset()
    assert not hub.check_done()
    hub.close()
    hub.close()


def test_environment_arguments_are_frozen(row: dict[str, Any]):
    """As published."""
    args = EnvArgs(ds=row)
    assert (args.repo_path, args.docker_image) == (None, None)
    with pytest.raises(AttributeError):
        args.ds = {}  # type: ignore[misc]
