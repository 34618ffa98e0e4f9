"""Records of attempts, as readers of published files know them. They read our own files too.

What a line holds beyond these fields is ignored, and what it lacks has a default: files of many versions are about.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self

from pydantic import BaseModel, ConfigDict

from r2egym.agenthub.action import Action
from r2egym.tasks import from_row

_EDITORS = ("file_editor", "str_replace_editor")


class TrajectoryStep(BaseModel):
    """One turn; see :class:`r2egym.records.Step`."""

    model_config = ConfigDict(extra="ignore")

    step_idx: int
    thought: str = ""
    action: str = ""
    observation: str = ""
    done: bool = False
    info: dict[str, Any] = {}
    token_usage_prompt: int = -1
    token_usage_completion: int = -1
    token_usage_total: int = -1
    llm_exec_time: float = 0.0
    env_exec_time: float = 0.0
    total_step_time: float = 0.0
    total_time_traj: float = 0.0
    step_count: int = 0

    @property
    def parsed_action(self) -> Action:
        """The call."""
        return Action.from_string(self.action)


class Trajectory(BaseModel):
    """One attempt; see :class:`r2egym.records.Trajectory`."""

    model_config = ConfigDict(extra="ignore")

    trajectory_steps: list[TrajectoryStep]
    problem_statement: str = ""
    docker_image: str = ""
    exp_name: str | None = None
    env_args: dict[str, Any] = {}
    agent_args: dict[str, Any] = {}
    ds: dict[str, Any] | None = None
    max_steps: int = 0
    max_steps_absolute: int = 0
    max_token_limit: int = 0
    max_llm_time: float = 0
    max_exec_time: float = 0
    max_total_time: float = 0
    exit_reason: str = ""
    output_patch: str = ""
    reward: float | None = None
    test_output: str | None = None
    custom_test_outputs: dict[str, Any] = {}
    regression_test_output: str | None = None
    instance_id: str = ""
    identity: str = ""
    """Of the attempt, in lines of ours."""

    @classmethod
    def load_from_model_dump_json(cls, json_string: str | bytes) -> Self:
        """A line of a file. Raises pydantic's ValidationError."""
        return cls.model_validate_json(json_string)

    # --- numbers ------------------------------------------------------------------------------------------------

    @property
    def num_steps(self) -> int:
        """Turns."""
        return len(self.trajectory_steps)

    @property
    def num_tokens_prompt(self) -> int:
        """Tokens of all requests; what is not known counts as nothing."""
        return sum(max(step.token_usage_prompt, 0) for step in self.trajectory_steps)

    @property
    def num_tokens_completion(self) -> int:
        """Tokens of all answers."""
        return sum(max(step.token_usage_completion, 0) for step in self.trajectory_steps)

    @property
    def num_tokens_total(self) -> int:
        """Tokens of requests and answers."""
        return sum(max(step.token_usage_total, 0) for step in self.trajectory_steps)

    @property
    def total_time_traj(self) -> float:
        """Seconds."""
        return self.trajectory_steps[-1].total_time_traj if self.trajectory_steps else 0.0

    @property
    def llm_time_by_step(self) -> list[float]:
        """Seconds of the model, turn by turn."""
        return [step.llm_exec_time for step in self.trajectory_steps]

    @property
    def total_llm_time(self) -> float:
        """Seconds of the model."""
        return sum(self.llm_time_by_step)

    @property
    def total_env_time(self) -> float:
        """Seconds of commands."""
        return sum(step.env_exec_time for step in self.trajectory_steps)

    @property
    def pass_1(self) -> bool:
        """Whether it was rewarded with 1."""
        return self.reward == 1

    # --- patches ------------------------------------------------------------------------------------------------

    @property
    def true_output_patch(self) -> str:
        """All that the agent changed; published readers leave out what its editor did not touch."""
        return self.output_patch

    @property
    def gt_patch(self) -> str:
        """The gold patch, as the row has it; empty when there is no row. Raises DatasetError: the row is damaged."""
        if not self.ds:
            return ""
        return str(self.ds.get("patch") or from_row(self.ds).patch)

    # --- what the agent did -------------------------------------------------------------------------------------

    def _paths(self, *commands: str) -> Iterator[str]:
        """Paths of files that the editor was called with."""
        for step in self.trajectory_steps:
            action = step.parsed_action
            path = str(action.parameters.get("path") or "")
            known = action.function_name in _EDITORS and action.parameters.get("command") in commands
            if known and "." in path.rpartition("/")[2]:
                yield path.removeprefix("/testbed/")

    @property
    def editor_files(self) -> list[str]:
        """Files in which it replaced or inserted text, one entry a call."""
        return list(self._paths("str_replace", "insert"))

    @property
    def created_files(self) -> list[str]:
        """Files that it made."""
        return list(self._paths("create"))

    @property
    def viewer_files(self) -> list[str]:
        """Files that it looked at."""
        return list(self._paths("view"))

    @property
    def has_bad_path(self) -> bool:
        """Whether it ever wrote ``/testbed/testbed``."""
        return any("/testbed/testbed" in step.action for step in self.trajectory_steps)

    @property
    def num_lines_bash_exec(self) -> list[int]:
        """Lines of each command's observation."""
        return [
            step.observation.count("\n")
            for step in self.trajectory_steps
            if step.parsed_action.function_name == "execute_bash"
        ]
