"""Runs made of attempts by hand, a dataset that they are of, and a tokenizer made on the spot."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.environment.conftest import facilities, ground, task
from tests.verifiers.conftest import Done, make_run, r2egym

from r2egym.records import Message, Reward, Step, Task, ToolCall, Trajectory, content_hash
from r2egym.tasks import write_dataset
from r2egym.tools import render
from r2egym.training import Tokens

__all__ = ["Done", "facilities", "ground", "make_run", "r2egym", "task"]

ANSWER_PATCH = "--- a/larder/shelf.py\n+++ b/larder/shelf.py\n@@ -1 +1 @@\n-one\n+two\n"


def step(number: int, thought: str, call: ToolCall | None, observation: str, reminder: str = "") -> Step:
    """A step that took no time."""
    return Step(
        step_idx=number, thought=thought, action=render(call) if call else "", observation=observation, done=False,
        token_usage_prompt=-1, token_usage_completion=-1, token_usage_total=-1, llm_exec_time=0.0, env_exec_time=0.0,
        total_step_time=0.0, total_time_traj=0.0, step_count=number + 1, call=call,
        reminder=reminder or f"Steps Remaining: {40 - number}",
    )  # fmt: skip


def attempt(name: str, number: int = 0, reward: float | None = 1.0, **more: object) -> Trajectory:
    """An attempt of two steps; what it says tells it from others."""
    calls = ToolCall(name="execute_bash", arguments={"cmd": "ls -a"}), ToolCall(name="finish", arguments={})
    given: dict = {
        "trajectory_steps": (
            step(0, f"I look, as attempt {number}.", calls[0], "Exit code: 0\nshelf.py"),
            step(1, "Done.", calls[1], "<<< Finished >>>"),
        ),
        "problem_statement": f"Counting jars is off by one in {name}.",
        "max_steps": 40, "max_steps_absolute": 50, "max_token_limit": 1, "max_llm_time": 1, "max_exec_time": 1,
        "max_total_time": 1, "exit_reason": "agent", "output_patch": ANSWER_PATCH, "reward": reward, "instance_id": name,
        "attempt": number, "identity": content_hash([name, number, str(more)]), "masked": reward is None, "agent": "edit",
        "model": "openai/hm", "grade": Reward(instance_id=name, resolved=reward == 1.0, score=reward),
        "opening": (Message(role="system", content="Write calls as XML."), Message(role="user", content=name)),
    }  # fmt: skip
    return Trajectory(**{**given, **more})


@pytest.fixture(scope="session")
def dataset(task: Task, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tasks a to d, and two that are kept out: one near duplicate, one of a repository that SWE-bench has."""
    folder = tmp_path_factory.mktemp("dataset")
    rows = [task.model_copy(update={"instance_id": name, "swebench": False}) for name in "abcd"]
    sealed = task.validation.model_copy(update={"seal": {"a": "polarity", "b": "strong"}})
    rows[0] = rows[0].model_copy(update={"validation": sealed})
    rows.append(task.model_copy(update={"instance_id": "near", "swebench": False, "duplicate_of": "a"}))
    rows.append(task.model_copy(update={"instance_id": "bench", "swebench": True}))
    write_dataset(folder, rows)
    return folder


@pytest.fixture(scope="session")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small byte-level tokenizer that has ChatML's marks."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    marks = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    made.train_from_iterator(
        ["<function=execute_bash> Steps Remaining: 40 Counting jars is off by one"] * 3,
        trainers.BpeTrainer(
            vocab_size=400, special_tokens=marks, initial_alphabet=alphabet, show_progress=False
        ),
    )
    folder = tmp_path_factory.mktemp("tokenizer")
    made.save(str(folder / "tokenizer.json"))
    return folder


@pytest.fixture(scope="session")
def tokens(tokenizer: Path) -> Tokens:
    """The same, opened."""
    from r2egym.training import open_tokens

    return open_tokens(str(tokenizer))


Run = Callable[..., Done]
