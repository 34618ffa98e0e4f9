"""A trainer's environment as trainers write it for the published package: one object, made late, stepped with strings."""

import os
from pathlib import Path
from typing import Any

import pytest

import r2egym
from r2egym.agenthub.action import Action
from r2egym.agenthub.environment.env import EnvArgs, RepoEnv
from r2egym.agents import OracleAgent
from r2egym.environment import Facilities
from r2egym.logging import INFO, setup_logging
from r2egym.records import Task

PACKAGE = os.path.dirname(r2egym.__file__)  # noqa: PTH120 - as trainers write it
TOOLS = {
    "r2egym": ["r2egym/file_editor.py", "search.py", "r2egym/execute_bash.py", "finish.py"],
    "sweagent": ["str_replace_editor.py", "execute_bash.py", "submit.py"],
}


class TrainersEnvironment:
    """Made without a box; `reset` makes the box or brings it back, and adds the tools anew each time."""

    def __init__(self, entry: dict[str, Any], scaffold: str) -> None:
        self.entry, self.scaffold = entry, scaffold
        self.env: RepoEnv | None = None

    def reset(self) -> tuple[str, dict[str, Any]]:
        """What is asked."""
        if not self.env:
            logger = setup_logging("trainer", level=INFO, console=False)
            self.env = RepoEnv(
                EnvArgs(ds=self.entry), logger=logger, step_timeout=90, reward_timeout=300, verbose=False
            )
        else:
            self.env.reset()
        self.env.add_commands([f"{PACKAGE}/agenthub/tools/{name}" for name in TOOLS[self.scaffold]])
        return self.env.get_task_instruction(), {}

    def step(self, action: str) -> tuple[str, int, bool, dict[str, Any]]:
        """As the published environment has it."""
        assert self.env
        observation, reward, done, info = self.env.step(Action.from_string(action))
        return str(observation), reward, done, info

    def final_reward(self) -> float:
        """Of the episode."""
        assert self.env
        return self.env.compute_reward()

    def close(self) -> None:
        """End the box."""
        assert self.env
        self.env.close()


@pytest.mark.parametrize("scaffold", TOOLS)
def test_a_trainer(
    facilities: Facilities, task: Task, row: dict[str, Any], scaffold: str, monkeypatch: pytest.MonkeyPatch
):
    """It asks, edits, hands in and is rewarded; the next episode begins at the base, and one that does nothing earns nothing."""
    monkeypatch.setattr(Facilities, "shared", lambda **_: facilities)
    environment = TrainersEnvironment(row, scaffold)
    asked, _ = environment.reset()
    assert asked == task.problem_statement
    editor = "file_editor" if scaffold == "r2egym" else "str_replace_editor"
    seen, reward, done, _ = environment.step(
        f"Let me look.\n\n<function={editor}>\n<parameter=command>view</parameter>\n"
        "<parameter=path>/testbed/larder/shelf.py</parameter>\n</function>"
    )
    assert "def " in seen
    assert (reward, done) == (0, False)
    for turn in OracleAgent().turns(task)[:-1]:
        environment.step(turn)
    last = "finish" if scaffold == "r2egym" else "submit"
    *_, done, _ = environment.step(f"Done.\n\n<function={last}>\n</function>")
    assert done
    assert environment.final_reward() == 1.0
    environment.reset()
    assert environment.final_reward() == 0.0
    environment.close()


def test_a_trainers_log(tmp_path: Path):
    """Its lines reach the file alone; setting it up again writes each line once."""
    for _ in range(2):
        logger = setup_logging(
            "trainers_log", level=INFO, log_file=tmp_path / "logs" / "a.log", console=False
        )
    logger.info("a line")
    assert (tmp_path / "logs" / "a.log").read_text().count("a line") == 1
