"""What breaks around a rollout: the model's server, the disk, the sandbox, the clock, a flood of output."""

import json
import resource
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from tests.environment.ground import open_facilities, several
from tests.rollouts.test_kills import check, script
from tests.rollouts.test_run import read, run

from r2egym.agents import LoopOptions, OracleAgent
from r2egym.environment import Facilities, WorkEnvironment
from r2egym.errors import ModelRequestError
from r2egym.llm import Fault, ScriptedServer
from r2egym.records import Failure, Reward, RolloutLimits, Task
from r2egym.rollouts import Ledger, Run, RunOptions, agent_spec
from r2egym.sandboxes import reap
from r2egym.sandboxes._processes import descendants

ROOT = Path(__file__).resolve().parents[2]


def test_a_server_that_fails_in_every_way(facilities: Facilities, task: Task, tmp_path: Path):
    """It is silent, hangs up, sends half a body, 500s, 429s, sends what is no JSON: every attempt is solved all the same."""
    write, apply, finish = OracleAgent().turns(task)
    faults = [
        Fault(kind="delay", seconds=9),
        Fault(kind="half"),
        Fault(kind="error"),
        Fault(kind="rate_limit"),
    ]
    cues = [*faults[:2], write, *faults[2:], apply, Fault(kind="drop"), Fault(kind="malformed"), finish]
    loop = LoopOptions(limits=RolloutLimits(max_llm_time=2))
    with ScriptedServer(cues) as server:
        spec = agent_spec("edit", model="openai/flaky", base_url=server.base_url)
        found = run(tmp_path / "run", task, facilities, spec, number=3, loop=loop, jobs=3)
        asked = len(server.requests)
    assert [(one.score, one.steps, one.failure) for one in found] == [(1.0, 3, None)] * 3
    assert asked >= 3 * 3 + 6  # each fault was met


def test_a_refusal_ends_the_run(facilities: Facilities, task: Task, tmp_path: Path):
    """A server that refuses what it is asked: nothing is gained by going on; started again, the attempt is solved."""
    turns = OracleAgent().turns(task)
    down = True

    def cue(body: dict) -> object:
        number = sum(message["role"] == "assistant" for message in body["messages"])
        return Fault(kind="error", status=400) if down else turns[number]

    with ScriptedServer(cue) as server:
        spec = agent_spec("edit", model="openai/gone", base_url=server.base_url)
        with pytest.raises(ModelRequestError, match="400"):
            run(tmp_path / "run", task, facilities, spec, number=1)
        down = False
        (summary,) = run(tmp_path / "run", task, facilities, spec, number=1)
    assert summary.score == 1.0


def test_masked_attempts_can_be_run_again(
    facilities: Facilities, task: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Those alone, and each stands in the files once, even when the controller dies between one file and the next."""
    real = Facilities.grade

    def grade(self: Facilities, task: Task, patch: str, **more: object) -> Reward:
        if task.instance_id.endswith("1"):
            failure = Failure(boundary="grader", cause="no room")
            return Reward(instance_id=task.instance_id, resolved=None, score=None, failure=failure)
        return real(self, task, patch, **more)

    folder, tasks, spec = tmp_path / "run", several(task, 3), agent_spec("noop")
    with monkeypatch.context() as patch:
        patch.setattr(Facilities, "grade", grade)
        first = {
            one.instance_id[-1]: one for one in Run(folder, tasks, spec, RunOptions(retries=0), facilities)
        }
    assert [first[name].score for name in "012"] == [0.0, None, 0.0]
    assert {one.score for one in Run(folder, tasks, spec, RunOptions(), facilities)} == {0.0, None}
    terms = json.loads((folder / "run.json").read_text())
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", _dies_at(Path.replace, "rewards.jsonl"))
        with pytest.raises(KeyboardInterrupt):
            Ledger(folder, terms, retry_masked=True)
    assert {path.suffix for path in folder.iterdir()} >= {".new"}
    again = list(Run(folder, tasks, spec, RunOptions(), facilities, retry_masked=True))
    assert [one.score for one in again] == [0.0] * 3
    assert sorted(one.instance_id[-1] for one in read(folder)) == ["0", "1", "2"]
    assert not [path for path in folder.iterdir() if path.suffix == ".new"]
    for name in ("rewards.jsonl", "predictions.jsonl"):
        lines = [json.loads(line) for line in (folder / name).read_text().splitlines()]
        assert [line["identity"] for line in lines] == [one.identity for one in read(folder)]
        assert not any(line.get("masked") for line in lines)


def _dies_at(real, name: str):
    """A rename that never happens for one file."""

    def replace(self: Path, target: Path) -> Path:
        if Path(target).name == name:
            raise KeyboardInterrupt
        return real(self, target)

    return replace


def test_a_sandbox_that_is_killed_within_a_command(facilities: Facilities, task: Task, tmp_path: Path):
    """Its processes go, by ``kill -9``: the attempt is acted out again in a new one, and solved."""
    flag = tmp_path / "once"
    turns = [
        "<function=execute_bash>\n<parameter=cmd>echo here >note; sleep 1; cat note</parameter>\n</function>",
        *OracleAgent().turns(task),
    ]
    turns[0] = turns[0].replace("cat note", "cat note; rm note")
    (tmp_path / "script.json").write_text(json.dumps(turns))
    before = set(descendants(_self()))

    def kill() -> None:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and not flag.exists():
            for pid in set(descendants(_self())) - before:
                line = Path(f"/proc/{pid}/cmdline")
                if line.exists() and line.read_bytes().startswith(b"sleep\0"):
                    for one in set(descendants(_self())) - before:
                        subprocess.run(["kill", "-9", str(one)], check=False, capture_output=True)
                    flag.touch()
                    return
            time.sleep(0.01)

    killer = threading.Thread(target=kill)
    killer.start()
    spec = agent_spec(f"script:{tmp_path / 'script.json'}")
    (summary,) = run(tmp_path / "run", task, facilities, spec, number=1)
    killer.join()
    assert flag.exists()
    assert (summary.score, summary.steps, summary.failure) == (1.0, 4, None)
    (trajectory,) = read(tmp_path / "run")
    assert "here" in trajectory.trajectory_steps[0].observation


def _self() -> int:
    return int(Path("/proc/self").readlink().name)


def test_a_flood_of_output(facilities: Facilities, task: Task, tmp_path: Path):
    """A command that prints 1 GB costs the controller neither memory nor disk, and the rollout its step."""
    flood = "<function=execute_bash>\n<parameter=cmd>head -c 1000000000 /dev/zero | tr '\\0' x</parameter>\n</function>"
    (tmp_path / "script.json").write_text(json.dumps([flood, *OracleAgent().turns(task)]))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    spec = agent_spec(f"script:{tmp_path / 'script.json'}")
    (summary,) = run(tmp_path / "run", task, facilities, spec, number=1)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 * 1024
    (trajectory,) = read(tmp_path / "run")
    assert (summary.score, summary.steps) == (1.0, 4)
    assert len(trajectory.trajectory_steps[0].observation) < 200_000
    assert sum(path.stat().st_size for path in (tmp_path / "run").rglob("*") if path.is_file()) < 2_000_000


@pytest.mark.usefixtures("facilities")
def test_a_full_disk(tmp_path: Path):
    """The journal cannot grow: the run ends and says so; with room again, it goes on and ends well."""
    (tmp_path / "script.json").write_text(json.dumps(script(tmp_path)))
    known = Task.model_validate_json((tmp_path / "task.json").read_text())
    with open_facilities(tmp_path / "home") as made, WorkEnvironment(made, known) as env:
        assert env.sandbox.is_alive()  # from here on, nothing but the journal grows
    words = [sys.executable, "-m", "tests.rollouts.controller", tmp_path, tmp_path / "run", 3, 2, 3]
    command = list(map(str, words))

    def small() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (6_000, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))

    full = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, preexec_fn=small, timeout=120, check=False
    )
    assert full.returncode != 0
    assert "File too large" in full.stderr
    assert (tmp_path / "run/journal/journal.log").stat().st_size <= 6_000
    after = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert after.returncode == 0, after.stderr
    check(tmp_path / "run")
    assert reap(tmp_path / "home").removed == ()


def test_clocks_that_jump(
    facilities: Facilities, task: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The time of day leaps by years in both directions: no limit is met, and no time is negative."""
    real, leaps = time.time, iter(range(10_000))
    monkeypatch.setattr(time, "time", lambda: real() + (-1) ** next(leaps) * 1e8)
    (summary,) = run(tmp_path / "run", task, facilities, agent_spec("oracle"), number=1)
    assert (summary.score, summary.exit_reason) == (1.0, "agent")
    (trajectory,) = read(tmp_path / "run")
    assert all(0 <= step.total_step_time < 60 for step in trajectory.trajectory_steps)
