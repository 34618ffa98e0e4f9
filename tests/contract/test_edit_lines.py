"""What ``run/edit.py`` writes, and when it writes nothing."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.environment.ground import several

from r2egym.agenthub.run import edit
from r2egym.agenthub.trajectory import Trajectory
from r2egym.environment import Facilities
from r2egym.errors import UsageError
from r2egym.llm import ScriptedModel
from r2egym.records import Failure, Reward, Task
from r2egym.tasks import write_dataset


@pytest.fixture
def data(task: Task, tmp_path: Path) -> str:
    """Three tasks in a folder."""
    write_dataset(tmp_path / "data", [one for one, _ in several(task, 3)])
    return str(tmp_path / "data")


def start(data: str, facilities: Facilities, **more: Any) -> list[bytes]:
    """The lines of the file."""
    terms = {
        "traj_dir": str(Path(data).parent / "traj"),
        "exp_name": "one",
        "agent": "noop",
        "max_workers": 2,
    }
    path = edit.runagent_multiple(data, "train", **{**terms, **more}, facilities=facilities)
    return path.read_bytes().splitlines(keepends=True)


def test_growing_and_half_lines(data: str, facilities: Facilities):
    """More tasks are added to those that are there; half a line of a killed command is replaced by a whole one."""
    first = start(data, facilities, k=1)
    assert len(first) == 1
    path = Path(data).parent / "traj/one.jsonl"
    grown = start(data, facilities, k=9)
    assert grown[:1] == first
    assert len(grown) == 3
    path.write_bytes(b"".join(grown[:2]) + grown[2][:50])
    assert sorted(start(data, facilities, k=3)) == sorted(grown)
    assert sorted(start(data, facilities, k=3, use_existing=False)) == sorted(grown)
    rows = [Trajectory.load_from_model_dump_json(line) for line in grown]
    assert len({(one.ds or {})["instance_id"] for one in rows}) == 3
    assert [(one.reward, one.exp_name) for one in rows] == [(0.0, "one")] * 3
    assert "FAILED" in (rows[0].test_output or "")


def test_solved_ones_are_skipped(data: str, facilities: Facilities):
    """skip_existing looks at files of similar names; unsolved tasks are run again."""
    assert len(start(data, facilities, k=2, exp_name="run1", agent="oracle")) == 2
    assert len(start(data, facilities, k=3, exp_name="run2", skip_existing=True)) == 1
    assert len(start(data, facilities, k=3, exp_name="run3")) == 3


def test_what_the_machinery_failed_has_no_line(
    data: str, facilities: Facilities, monkeypatch: pytest.MonkeyPatch
):
    """As published; the run's own files tell of it. A single attempt is None."""

    def grade(self: Facilities, task: Task, patch: str, **_: object) -> Reward:
        failure = Failure(boundary="grader", cause="no room")
        return Reward(instance_id=task.instance_id, resolved=None, score=None, failure=failure)

    monkeypatch.setattr(Facilities, "grade", grade)
    assert start(data, facilities, k=1) == []
    assert "no room" in (Path(data).parent / "traj/one.run/rewards.jsonl").read_text()


def test_one_attempt(row: dict[str, Any], facilities: Facilities, monkeypatch: pytest.MonkeyPatch):
    """A line with reward, row and name; it starts again as often as asked, and from the base."""
    model = ScriptedModel(
        [
            "<function=execute_bash>\n<parameter=cmd>ls; touch new</parameter>\n</function>",
            "<function=finish>\n<parameter=command>submit</parameter>\n</function>",
        ]
    )
    line = edit.runagent(
        row,
        exp_name="e",
        num_restarts=2,
        max_steps=4,
        use_fn_calling=False,
        model=model,
        facilities=facilities,
    )
    one = Trajectory.load_from_model_dump_json(line or "")
    assert (one.exp_name, one.reward, one.max_steps, one.num_steps) == ("e", 0.0, 2, 2)
    assert "new\n" not in one.trajectory_steps[0].observation
    assert json.loads(line or "")["ds"]["instance_id"] == row["instance_id"]
    assert len(model.requests) == 4


def test_flags(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """The published command; booleans are words; what makes no sense is one line."""
    given: dict[str, Any] = {}
    monkeypatch.setattr(edit, "runagent_multiple", _spy(given))
    words = "runagent_multiple --traj_dir ./t --max_workers 54 --start_idx 0 --k 2000 --dataset R2E-Gym/R2E-Gym-Lite"
    words += " --split train --llm_name gpt-4o --use_fn_calling False --exp_name e --temperature 0.2 --max_steps 40"
    assert edit.main(words.split()) == 0
    assert (given["k"], given["max_workers"], given["temperature"]) == (2000, 54, 0.2)
    assert (given["use_fn_calling"], given["use_existing"], given["exp_name"]) == (False, True, "e")
    with pytest.raises(SystemExit, match="2"):
        edit.main(["runagent_multiple", "--dataset", "d", "--use_fn_calling", "maybe"])
    assert "True or False, not 'maybe'" in capsys.readouterr().err
    monkeypatch.undo()
    with pytest.raises(UsageError, match="num_restarts"):
        edit.runagent_multiple("d", num_restarts=2)


def _spy(given: dict[str, Any]) -> Any:
    import functools

    @functools.wraps(edit.runagent_multiple)
    def spy(**words: Any) -> None:
        given.update(words)

    return spy
