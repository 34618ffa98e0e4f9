"""``kill -9`` of the controller at random points: nothing lost, nothing doubled, nothing mixed, nothing left behind."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.environment.ground import make_task

from r2egym.environment import Facilities
from r2egym.records import Trajectory
from r2egym.sandboxes import reap

KILLS = int(os.environ.get("R2EGYM_TEST_KILLS", "2"))
"""By hand: 200."""
TASKS, ATTEMPTS = 3, 2


def script(ground: Path) -> list[str]:
    """Turns whose observations tell which attempt they belong to, and that nothing was run twice in one sandbox."""
    task = make_task(ground / "larder")
    (ground / "task.json").write_text(task.model_dump_json())
    turns = ["I think first."]
    turns += [
        f"<function=execute_bash>\n<parameter=cmd>echo {number} >> log; cat log; sleep 0.05</parameter>\n</function>"
        for number in range(5)
    ]
    turns.append(
        f"<function=execute_bash>\n<parameter=cmd>rm log; git apply - <<'EOF'\n{task.patch}\nEOF</parameter>\n</function>"
    )
    return turns


def start(ground: Path, run: Path) -> subprocess.Popen[bytes]:
    """A controller."""
    words = [sys.executable, "-m", "tests.rollouts.controller", ground, run, TASKS, ATTEMPTS, 3]
    root = Path(__file__).resolve().parents[2]
    return subprocess.Popen(list(map(str, words)), cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@pytest.mark.usefixtures("facilities")
def test_kills_at_random_points(tmp_path: Path):
    """Killed again and again, then let run: every attempt once, each with the reward of an undisturbed run."""
    chance = random.Random(KILLS)
    (tmp_path / "script.json").write_text(json.dumps(script(tmp_path)))
    run, kills, journal = tmp_path / "run", 0, tmp_path / "run/journal/journal.log"
    while kills < KILLS:
        controller = start(tmp_path, run)
        before = journal.stat().st_size if journal.exists() else 0
        deadline = time.monotonic() + 60
        while controller.poll() is None and time.monotonic() < deadline:
            if (journal.stat().st_size if journal.exists() else 0) != before:
                break  # it has begun to work
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 1.0))
        controller.send_signal(signal.SIGKILL)
        ended = controller.wait()
        controller.communicate()
        kills += 1
        if ended == 0:  # it was done before it could be killed: begin another run
            check(run)
            run = tmp_path / f"run{kills}"
            journal = run / "journal/journal.log"
    last = start(tmp_path, run)
    out, err = last.communicate(timeout=300)
    assert last.returncode == 0, err.decode()
    assert len(out.splitlines()) == TASKS * ATTEMPTS
    check(run)
    assert reap(tmp_path / "home").removed == ()


def check(run: Path) -> None:
    """Each attempt is there once, and went as it should."""
    lines = (run / "trajectories.jsonl").read_text().splitlines()
    found = [Trajectory.model_validate_json(line) for line in lines]
    assert sorted((one.instance_id, one.attempt) for one in found) == [
        (f"larder__{task:012}", attempt) for task in range(TASKS) for attempt in range(ATTEMPTS)
    ]
    assert len({one.identity for one in found}) == TASKS * ATTEMPTS
    for one in found:
        assert one.reward == 1.0
        assert one.exit_reason == "agent"
        assert len(one.trajectory_steps) == 8
        shown = [step.observation.split("]:\n")[-1] for step in one.trajectory_steps[1:6]]
        assert shown == ["".join(f"{n}\n" for n in range(upto + 1)) for upto in range(5)]
    for name in ("rewards.jsonl", "predictions.jsonl"):
        records = [json.loads(line) for line in (run / name).read_text().splitlines()]
        assert [record["identity"] for record in records] == [one.identity for one in found]


def test_one_controller_a_run(facilities: Facilities, tmp_path: Path):
    """A second controller gets one line, and disturbs nothing."""
    (tmp_path / "script.json").write_text(json.dumps(script(tmp_path)))
    first = start(tmp_path, tmp_path / "run")
    while not (tmp_path / "run/journal/journal.log").exists():
        assert first.poll() is None, first.communicate()
        time.sleep(0.02)
    second = start(tmp_path, tmp_path / "run")
    _, err = second.communicate(timeout=120)
    first.communicate(timeout=300)
    assert b"is in use by process" in err
    assert first.returncode == 0
    check(tmp_path / "run")
