"""One attempt of an agent at a task, step by step.

The names of fields in :class:`Step` and :class:`Trajectory` are the published ones as far as those go, so that readers of
published trajectory files read ours; what was added comes after them and has a default.
"""

from __future__ import annotations

from typing import Literal

from pydantic import JsonValue

from r2egym.records.base import Record
from r2egym.records.dialogue import Message, ToolCall
from r2egym.records.grading import Failure, Reward

ExitReason = Literal[
    "agent",
    "max_step_limit",
    "agent_max_step_limit",
    "abs_step_limit",
    "token_limit",
    "traj_time_limit",
    "llm_query_error",
    "environment_error",
]
"""Why an attempt ended: the agent finished before, at, or after the asked number of steps; a hard limit of steps, tokens
or time; the model's server, or the sandbox, failed for good."""


class Step(Record):
    """One turn: what the agent thought and called, and what came back."""

    step_idx: int
    """From 0."""
    thought: str
    """The text before the call."""
    action: str
    """The call as XML text; empty when there was none."""
    observation: str
    """As the agent saw it, without the reminder of steps."""
    done: bool
    info: dict[str, JsonValue] = {}
    token_usage_prompt: int
    """-1: not known."""
    token_usage_completion: int
    token_usage_total: int
    llm_exec_time: float
    """Seconds."""
    env_exec_time: float
    """Seconds."""
    total_step_time: float
    """Seconds."""
    total_time_traj: float
    """Seconds from the first step's beginning to this one's end."""
    step_count: int
    """``step_idx + 1``."""
    call: ToolCall | None = None
    """The call as it was run, repairs made."""
    said: ToolCall | None = None
    """The native call as the model made it, where the repaired one differs."""
    reminder: str = ""
    """What the last message before this turn ended with."""
    exit_code: int | None = None
    """Of the command, when one was run."""
    repairs: tuple[str, ...] = ()
    """What had to be mended in the call, one phrase each."""
    raw: str = ""
    """The answer as the model wrote it, where it is not the thought and the call put together again."""
    verbatim: bool = False
    """Whether the conversation went on with the answer as the model wrote it, and not put together again."""
    cut: bool = False
    """Whether the answer ended for want of tokens."""
    logprobs: tuple[tuple[str, float], ...] = ()
    """Each token of the answer and its log probability, where the server was asked for them and told."""


class RolloutLimits(Record):
    """Bounds of one attempt."""

    max_steps: int = 40
    """After so many, the agent is asked to submit."""
    max_steps_absolute: int = 50
    """After so many, it ends."""
    max_token_limit: int = 32_768
    """Tokens of one request and its answer, after which it ends."""
    max_llm_time: int = 120
    """Seconds a model call."""
    max_exec_time: int = 90
    """Seconds a command."""
    max_total_time: int = 1_200
    """Seconds of models and commands together, after which it ends."""


class Trajectory(Record):
    """The record of one attempt."""

    trajectory_steps: tuple[Step, ...]
    problem_statement: str
    docker_image: str = ""
    """The image of a published row; else ``instance_id``."""
    exp_name: str | None = None
    env_args: dict[str, JsonValue] = {}
    agent_args: dict[str, JsonValue] = {}
    ds: dict[str, JsonValue] | None = None
    """The row, for those who ask for it: it is large."""
    max_steps: int
    max_steps_absolute: int
    max_token_limit: int
    max_llm_time: int
    max_exec_time: int
    max_total_time: int
    exit_reason: str
    """See :data:`ExitReason`."""
    output_patch: str
    """Everything that differs from the base commit and is not ignored by git."""
    reward: float | None = None
    """1.0 or 0.0; None: there is none, see ``failure``."""
    test_output: str | None = None
    custom_test_outputs: dict[str, JsonValue] = {}
    regression_test_output: str | None = None

    instance_id: str = ""
    attempt: int = 0
    """From 0."""
    identity: str = ""
    """Content hash of task, agent, model, sampling, seed and attempt."""
    task_hash: str = ""
    """Content hash of the task."""
    agent: str = ""
    model: str = ""
    mode: Literal["function_calling", "xml"] = "xml"
    """How calls are made."""
    opening: tuple[Message, ...] = ()
    """The messages before the first step."""
    result: str = ""
    """What the agent handed in with its last call."""
    grade: Reward | None = None
    """All that grading said."""
    failure: Failure | None = None
    """Why there is no reward, when there is none."""
    masked: bool = False
    """Whether it says nothing about the agent, and training must leave it out."""
    superseded: int = 0
    """Earlier starts of this attempt that could not be taken up again."""
    cost: float | None = None
    """US dollars; None: not known."""
