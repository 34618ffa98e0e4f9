"""The environment as Gymnasium sees it."""

import subprocess
import sys
import warnings
from pathlib import Path

import gymnasium
import pytest
from gymnasium.utils.env_checker import check_env

from r2egym.environment import EpisodeLimit, Facilities, RepoEnv, WorkEnvironment, find_task
from r2egym.errors import DatasetError, SandboxError, UsageError
from r2egym.records import Reward, Task
from r2egym.tasks import to_row, write_dataset

FINISH = "<function=finish>\n  <parameter=command>submit</parameter>\n</function>"


@pytest.fixture
def gym_env(facilities: Facilities, task: Task):
    """A RepoEnv on the larder."""
    made = RepoEnv(task, facilities=facilities)
    yield made
    made.close()


def test_check_env_finds_nothing(gym_env: RepoEnv):
    """Gymnasium's own examination, every warning an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(gym_env, skip_render_check=True)


def test_an_episode(gym_env: RepoEnv, task: Task):
    """Statement, a command, hand in: terminated, with a reward from grading."""
    observation, info = gym_env.reset(seed=1)
    assert observation == task.problem_statement
    assert info == {"instance_id": task.instance_id, "masked": False}
    step = gym_env.step(
        f"I apply it.\n<function=execute_bash>\n<parameter=cmd>git apply - <<'E'\n{task.patch}\nE</parameter>\n</function>"
    )
    assert step[1:4] == (0.0, False, False)
    assert step[4]["exit_code"] == 0, step[0]
    _, reward, terminated, truncated, info = gym_env.step(
        '{"name": "finish", "arguments": {"command": "submit"}}'
    )
    assert (reward, terminated, truncated) == (1.0, True, False)
    assert info["reward"]["resolved"] is True
    gym_env.reset()
    assert gym_env.step(FINISH)[1:4] == (0.0, True, False)


def test_a_graders_failure_is_masked(gym_env: RepoEnv, monkeypatch: pytest.MonkeyPatch):
    """No reward of 0: truncated, masked, with the cause."""

    def broken(self: WorkEnvironment, patch: str | None = None) -> Reward:
        raise SandboxError("no room")

    gym_env.reset()
    monkeypatch.setattr(WorkEnvironment, "grade", broken)
    _, reward, terminated, truncated, info = gym_env.step(FINISH)
    assert (reward, terminated, truncated, info["masked"]) == (0.0, False, True, True)
    assert info["failure"]["cause"] == "no room"


def test_a_lost_sandbox_is_masked_and_reset_brings_another(gym_env: RepoEnv):
    """The sandbox of an agent can die; the episode then says nothing."""
    gym_env.reset()
    gym_env.work.sandbox.close()
    _, _, _, truncated, info = gym_env.step(
        "<function=execute_bash><parameter=cmd>true</parameter></function>"
    )
    assert truncated
    assert info["masked"]
    gym_env.reset()
    assert (
        gym_env.step("<function=execute_bash><parameter=cmd>true</parameter></function>")[4]["exit_code"] == 0
    )


def test_made_by_name_and_the_spec_round_trips(facilities: Facilities, task: Task, tmp_path: Path):
    """gymnasium.make on a dataset's folder; its spec becomes JSON and comes back."""
    write_dataset(tmp_path / "data", [task])
    env = gymnasium.make(
        "r2egym.environment:r2egym/RepoEnv-v0", task=str(tmp_path / "data"), home=str(facilities.home)
    )
    assert env.spec is not None
    again = gymnasium.make(gymnasium.envs.registration.EnvSpec.from_json(env.spec.to_json()))
    assert again.unwrapped.task == env.unwrapped.task
    env.close()
    again.close()


def test_limits_are_a_wrapper_that_grades(gym_env: RepoEnv, task: Task):
    """What is there when the steps are over gets its reward, truncated."""
    limited = EpisodeLimit(gym_env, steps=2)
    limited.reset()
    assert limited.step("hm")[3] is False
    _, reward, terminated, truncated, info = limited.step("hm")
    assert (reward, terminated, truncated, info["limit"]) == (0.0, False, True, "steps")
    assert info["reward"]["score"] == 0.0


def test_snapshots_and_forks(gym_env: RepoEnv):
    """An episode can be gone back to, and split."""
    gym_env.reset()
    write = "<function=execute_bash><parameter=cmd>echo {} > note; cat note</parameter></function>"
    read = "<function=execute_bash><parameter=cmd>cat note</parameter></function>"
    gym_env.step(write.format("one"))
    saved = gym_env.snapshot()
    gym_env.step(write.format("two"))
    other = gym_env.fork(saved)
    assert "one" in other.step(read)[0]
    other.close()
    assert "two" in gym_env.step(read)[0]
    gym_env.reset(options={"snapshot": saved})
    assert "one" in gym_env.step(read)[0]


def test_every_source_of_a_task(task: Task, tmp_path: Path):
    """A record, a row, a folder, a parquet file, a JSONL file; and one line when it is none of them."""
    import json

    folder = tmp_path / "data"
    write_dataset(folder, [task, task.model_copy(update={"instance_id": "larder__1"})])
    (tmp_path / "rows.jsonl").write_text(json.dumps(to_row(task)) + "\n")
    assert find_task(task, tmp_path)[0] == task
    assert find_task(to_row(task), tmp_path)[0].instance_id == task.instance_id
    assert find_task(folder, tmp_path, instance_id="larder__1")[1] == folder
    assert (
        find_task(folder / "tasks.parquet", tmp_path, instance_id="larder__1")[0].instance_id == "larder__1"
    )
    assert find_task(str(tmp_path / "rows.jsonl"), tmp_path)[0].instance_id == task.instance_id
    with pytest.raises(UsageError, match="has 2 tasks; name one by instance_id"):
        find_task(folder, tmp_path)
    with pytest.raises(DatasetError, match="no such file or folder"):
        find_task(str(tmp_path / "nothing.parquet"), tmp_path)


@pytest.mark.parametrize(
    "imports",
    [
        "import r2egym.environment, gymnasium",
        "import gymnasium, r2egym.environment",
        "from r2egym.environment import RepoEnv; import gymnasium",
    ],
)
def test_known_to_gymnasium_whichever_comes_first(imports: str):
    """The environment is registered once both packages are there."""
    script = f"{imports}; print(gymnasium.spec('r2egym/RepoEnv-v0').entry_point)"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout == "r2egym.environment.gym:RepoEnv\n"
