"""Other people's formats: ATIF both ways, and predictions for SWE-bench's harness."""

import json
from pathlib import Path

import atif
from tests.environment.ground import several
from tests.training.conftest import Run, attempt

from r2egym.environment import Facilities
from r2egym.records import Task, Trajectory
from r2egym.rollouts import Run as Rollouts
from r2egym.rollouts import RunOptions, agent_spec
from r2egym.tasks import write_dataset
from r2egym.training import ExportOptions, export


def lines(path: Path) -> list[dict]:
    """The objects of a JSONL file."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_atif_goes_out_and_comes_back(facilities: Facilities, task: Task, tmp_path: Path):
    """A real run as ATIF holds by models of the format, and gives the same rows as the run itself."""
    tasks, out = tmp_path / "tasks", tmp_path / "out"
    write_dataset(tasks, [row for row, _ in several(task, 1)])
    run = tmp_path / "run"
    list(Rollouts(run, several(task, 1), agent_spec("oracle"), RunOptions(), facilities, source=str(tasks)))
    export([run], out, ExportOptions(purpose="atif"))
    (value,) = lines(out / "r2egym_atif.jsonl")
    read = atif.Trajectory.model_validate(value)
    assert read.steps[0].source == "user"
    called = [call.function_name for one in read.steps for call in one.tool_calls or ()]
    assert called == ["file_editor", "execute_bash", "finish"]
    for name, source in (("direct", run), ("through", out / "r2egym_atif.jsonl")):
        export([source], tmp_path / name, ExportOptions(purpose="editing", dataset=str(tasks)))
    direct = (tmp_path / "direct/r2egym_editing.jsonl").read_bytes()
    assert direct == (tmp_path / "through/r2egym_editing.jsonl").read_bytes()


def test_atif_keeps_tokens_and_cost(make_run, tmp_path: Path):
    """What the format has a place for stands in it; what it has none for stands in extra."""
    one = attempt("a", cost=0.25)
    steps = tuple(
        step.model_copy(update={"token_usage_prompt": 7, "token_usage_completion": 2, "token_usage_total": 9})
        for step in one.trajectory_steps
    )
    run = make_run([one.model_copy(update={"trajectory_steps": steps})])
    export([run], tmp_path / "out", ExportOptions(purpose="atif"))
    read = atif.Trajectory.model_validate(lines(tmp_path / "out/r2egym_atif.jsonl")[0])
    assert read.final_metrics is not None
    assert (read.final_metrics.total_prompt_tokens, read.final_metrics.total_cost_usd) == (14, 0.25)
    assert read.extra is not None
    assert (read.extra["reward"], read.extra["instance_id"]) == (1.0, "a")


def test_foreign_atif_becomes_rows(dataset: Path, tmp_path: Path, r2egym: Run):
    """A file of another agent, with the reward and the task in extra, is trained on like our own."""
    told = {
        "schema_version": "ATIF-v1.6",
        "session_id": "a",
        "agent": {"name": "other", "version": "2"},
        "steps": [
            {"step_id": 1, "source": "user", "message": "Count right."},
            {
                "step_id": 2, "source": "agent", "message": "I list.",
                "tool_calls": [{"tool_call_id": "1", "function_name": "execute_bash", "arguments": {"cmd": "ls"}}],
                "observation": {"results": [{"source_call_id": "1", "content": "shelf.py"}]},
            },
            {
                "step_id": 3, "source": "agent", "message": "",
                "tool_calls": [{"tool_call_id": "2", "function_name": "finish", "arguments": {}}],
            },
        ],
        "extra": {"reward": 1.0},
    }  # fmt: skip
    path = tmp_path / "foreign.json"
    path.write_text(json.dumps(told, indent=1))
    done = r2egym(
        "export", path, "--for", "editing", "--dataset", dataset, "--out", tmp_path / "out", "--json"
    )
    assert done.returncode == 0, done.stderr
    (row,) = lines(tmp_path / "out/r2egym_editing.jsonl")
    assert row["messages"][2]["content"].startswith("I list.\n\n<function=execute_bash>")


def test_predictions_are_a_file_for_each_attempt(make_run, tmp_path: Path):
    """SWE-bench's harness takes one patch a task; what the machinery left without a patch is left out."""
    run = make_run(
        [attempt("a"), attempt("a", 1), attempt("b"), attempt("c", reward=None, output_patch=""),
         attempt("d", reward=0.0, output_patch="")]
    )  # fmt: skip
    report = export([run], tmp_path / "out", ExportOptions(purpose="predictions"))
    assert report.rejected == {"masked": 1}
    first, second = (lines(path) for path in sorted((tmp_path / "out").iterdir()))
    assert [one["instance_id"] for one in first] == ["a", "b", "d"]
    assert [one["instance_id"] for one in second] == ["a"]
    assert set(first[0]) == {"instance_id", "model_name_or_path", "model_patch"}


def test_an_attempt_survives_the_trip(make_run, tmp_path: Path):
    """Read as our own record, it has the same steps, calls and prompts."""
    from r2egym.training.attempts import read_attempts

    one = attempt("a")
    export([make_run([one])], tmp_path / "out", ExportOptions(purpose="atif"))
    (back,) = read_attempts([tmp_path / "out/r2egym_atif.jsonl"], None, need_tasks=False)
    names = ("problem_statement", "output_patch", "reward", "opening", "identity", "exit_reason", "grade")
    assert {name: getattr(back.trajectory, name) for name in names} == {
        name: getattr(one, name) for name in names
    }
    assert steps_of(back.trajectory) == steps_of(one)


def steps_of(trajectory: Trajectory) -> list[tuple]:
    """What matters of the steps."""
    return [
        (step.thought, step.action, step.observation, step.reminder) for step in trajectory.trajectory_steps
    ]
