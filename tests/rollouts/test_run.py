"""Many attempts: rewards, resume, masking, terms, bounds."""

import json
from pathlib import Path

import pytest
from tests.environment.ground import several

from r2egym.agents import LoopOptions
from r2egym.environment import Facilities, WorkEnvironment
from r2egym.errors import SandboxClosedError, UsageError
from r2egym.llm import ScriptedServer
from r2egym.records import Answer, Failure, Reward, RolloutLimits, Task, Trajectory
from r2egym.rollouts import AgentSpec, Run, RunOptions, agent_spec
from r2egym.rollouts.lines import Summary


def run(
    folder: Path, task: Task, facilities: Facilities, spec: AgentSpec, number: int = 2, **more
) -> list[Summary]:
    """All summaries of a run."""
    return list(Run(folder, several(task, number), spec, RunOptions(**more), facilities))


def read(folder: Path) -> list[Trajectory]:
    """The trajectories of a run."""
    return [
        Trajectory.model_validate_json(line)
        for line in (folder / "trajectories.jsonl").read_text().splitlines()
    ]


def test_oracle_is_rewarded_and_noop_is_not(facilities: Facilities, task: Task, tmp_path: Path):
    """On every task, in every attempt."""
    oracle = run(tmp_path / "oracle", task, facilities, agent_spec("oracle"), attempts=2)
    assert [one.score for one in oracle] == [1.0] * 4
    assert [one.score for one in run(tmp_path / "noop", task, facilities, agent_spec("noop"))] == [0.0, 0.0]


def test_a_finished_run_is_not_run_again(facilities: Facilities, task: Task, tmp_path: Path):
    """The same summaries, the same files; more attempts are added to those that are there."""
    first = run(tmp_path / "run", task, facilities, agent_spec("noop"))
    before = (tmp_path / "run/trajectories.jsonl").read_bytes()
    again = run(tmp_path / "run", task, facilities, agent_spec("noop"))
    assert sorted(one.identity for one in again) == sorted(one.identity for one in first)
    assert (tmp_path / "run/trajectories.jsonl").read_bytes() == before
    grown = run(tmp_path / "run", task, facilities, agent_spec("noop"), attempts=2)
    assert len(grown) == 4
    assert (tmp_path / "run/trajectories.jsonl").read_bytes().startswith(before)


def test_a_run_is_not_mixed_with_another(facilities: Facilities, task: Task, tmp_path: Path):
    """Other terms in the same folder, or a folder of something else: one line, and nothing is touched."""
    run(tmp_path / "run", task, facilities, agent_spec("noop"))
    with pytest.raises(
        UsageError, match=r"a run on other terms \(agent.name: noop there, oracle asked for\)"
    ):
        run(tmp_path / "run", task, facilities, agent_spec("oracle"))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/notes.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"holds something else \(notes.txt\)"):
        run(tmp_path / "mine", task, facilities, agent_spec("noop"))


def test_a_tail_that_nobody_was_told_of_is_cut(facilities: Facilities, task: Task, tmp_path: Path):
    """What a controller wrote just before it died does not stand twice."""
    run(tmp_path / "run", task, facilities, agent_spec("noop"))
    path = tmp_path / "run/trajectories.jsonl"
    before = path.read_bytes()
    path.write_bytes(before + before.splitlines(keepends=True)[0] + b'{"half')
    run(tmp_path / "run", task, facilities, agent_spec("noop"))
    assert path.read_bytes() == before
    path.write_bytes(before[:-10])
    with pytest.raises(UsageError, match="are gone"):
        run(tmp_path / "run", task, facilities, agent_spec("noop"))


def test_a_lost_sandbox_is_taken_up_again(
    facilities: Facilities, task: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """What the agent had done is acted out again in a new one, and it goes on from there."""
    real, lost = WorkEnvironment.act, []

    def act(self: WorkEnvironment, call, *, timeout=None):
        if call is not None and call.name == "finish" and not lost:
            lost.append(self)
            self.sandbox.close()
            raise SandboxClosedError("it died")
        return real(self, call, timeout=timeout)

    monkeypatch.setattr(WorkEnvironment, "act", act)
    (summary,) = run(tmp_path / "run", task, facilities, agent_spec("oracle"), number=1)
    assert (summary.score, summary.steps, len(lost)) == (1.0, 3, 1)


def test_what_the_machinery_breaks_for_good_is_masked(
    facilities: Facilities, task: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """No sandbox, or no grader: no reward, with its boundary and cause; never a 0."""

    def act(self: WorkEnvironment, call, *, timeout=None):
        raise SandboxClosedError("it died")

    with monkeypatch.context() as patch:
        patch.setattr(WorkEnvironment, "act", act)
        (summary,) = run(tmp_path / "a", task, facilities, agent_spec("noop"), number=1)
    assert (summary.score, summary.exit_reason) == (None, "environment_error")
    assert summary.failure is not None
    assert summary.failure["boundary"] == "sandbox"

    def grade(self: Facilities, task: Task, patch: str, **_: object) -> Reward:
        failure = Failure(boundary="grader", cause="no room")
        return Reward(instance_id=task.instance_id, resolved=None, score=None, failure=failure)

    with monkeypatch.context() as patch:
        patch.setattr(Facilities, "grade", grade)
        (summary,) = run(tmp_path / "b", task, facilities, agent_spec("noop"), number=1)
    assert (summary.score, summary.exit_reason) == (None, "agent")
    (trajectory,) = read(tmp_path / "b")
    assert trajectory.masked
    assert trajectory.reward is None
    assert json.loads((tmp_path / "b/rewards.jsonl").read_text())["masked"] is True


def test_garbage_ends_with_a_reason(facilities: Facilities, task: Task, tmp_path: Path):
    """A model that never makes a call is asked to hand in, and ended after the absolute limit, with a reward."""
    with ScriptedServer(lambda _: Answer(text="Hm <function=")) as server:
        spec = agent_spec("edit", model="openai/hm", base_url=server.base_url)
        loop = LoopOptions(limits=RolloutLimits(max_steps=3, max_steps_absolute=5))
        (summary,) = run(tmp_path / "run", task, facilities, spec, number=1, loop=loop)
    assert (summary.exit_reason, summary.steps, summary.score) == ("abs_step_limit", 5, 0.0)
    (trajectory,) = read(tmp_path / "run")
    reminders = [step.reminder for step in trajectory.trajectory_steps]
    assert reminders[:3] == ["Steps Remaining: 3", "Steps Remaining: 2", "Steps Remaining: 1"]
    assert "NOW" in reminders[3]


@pytest.mark.parametrize("mode", ["xml", "function_calling"])
def test_a_model_over_http_solves_it(facilities: Facilities, task: Task, tmp_path: Path, mode: str):
    """In both modes of calling; what was recorded is played back without a server, to the same end."""
    from r2egym.agents import OracleAgent
    from r2egym.tools import parse

    turns = [parse(turn).call for turn in OracleAgent().turns(task)]

    def answer(request: dict) -> Answer:
        number = sum(message["role"] == "assistant" for message in request["messages"])
        if mode == "xml":
            return Answer(text="I go on.\n" + OracleAgent().turns(task)[number])
        call = turns[number].model_copy(update={"id": f"call_{number}"})
        return Answer(text="I go on.", calls=(call,), finish="tool_calls")

    record = tmp_path / "answers.jsonl"
    with ScriptedServer(answer) as server:
        spec = agent_spec("edit", model="openai/solver", base_url=server.base_url, mode=mode, record=record)
        (summary,) = run(tmp_path / "run", task, facilities, spec, number=1)
    assert (summary.score, summary.steps) == (1.0, 3)
    replayed = agent_spec("edit", model="openai/solver", mode=mode, replay=record)
    (again,) = run(tmp_path / "again", task, facilities, replayed, number=1)
    assert (again.score, again.steps) == (1.0, 3)
