"""The same ground as the environment's tests stand on, and runs made of attempts by hand."""

import json
import signal
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.environment.conftest import facilities, ground, task

from r2egym.cli.main import main
from r2egym.records import Message, Step, Trajectory, content_hash
from r2egym.rollouts import Ledger

__all__ = ["facilities", "ground", "task"]

RunMaker = Callable[..., Path]


def step(number: int, thought: str, action: str, observation: str) -> Step:
    """A step that took no time."""
    return Step(
        step_idx=number, thought=thought, action=action, observation=observation, done=False,
        token_usage_prompt=-1, token_usage_completion=-1, token_usage_total=-1, llm_exec_time=0.0, env_exec_time=0.0,
        total_step_time=0.0, total_time_traj=0.0, step_count=number + 1,
    )  # fmt: skip


def trajectory(name: str, attempt: int, patch: str, reward: float | None, **more: object) -> Trajectory:
    """An attempt of two steps."""
    return Trajectory(
        trajectory_steps=(
            step(0, "Let me look.", "<function=search>", "larder/shelf.py"),
            step(1, "I mend it.", "<function=finish>", "<<< Finished >>>"),
        ),
        problem_statement="Counting jars is off by one.",
        max_steps=40, max_steps_absolute=50, max_token_limit=1, max_llm_time=1, max_exec_time=1, max_total_time=1,
        exit_reason="agent", output_patch=patch, reward=reward, instance_id=name, attempt=attempt,
        identity=content_hash([name, attempt]), masked=reward is None, agent="scripted",
        opening=(Message(role="user", content="Counting jars is off by one."),), **more,
    )  # fmt: skip


class Done(NamedTuple):
    """What a command came to."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def r2egym(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[..., Done]]:
    """Call the command line, in this process, since starting one takes longer than what is tested."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def run(*words: object) -> Done:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in words])
        said = capsys.readouterr()
        return Done(int(ended.value.code or 0), said.out, said.err)

    yield run
    for number, handler in kept.items():
        signal.signal(number, handler)


@pytest.fixture
def make_run(tmp_path: Path) -> RunMaker:
    """Writes a run's folder from trajectories, through the ledger that real runs are written by."""

    def make(attempts: Sequence[Trajectory], dataset: str = "", name: str = "run") -> Path:
        folder = tmp_path / name
        with Ledger(folder, {"dataset": dataset, "terms": {"name": name}}) as ledger:
            for one in attempts:
                lease, _ = ledger.claim(one.identity)
                ledger.finish(one, lease)
        return folder

    return make


def lines(path: Path) -> list[dict]:
    """The objects of a JSONL file."""
    return [json.loads(line) for line in path.read_text().splitlines()]
