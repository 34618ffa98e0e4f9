"""An attempt as a conversation in the published form: a system's, a user's, then assistant's and user's messages in turn.

Calls are XML text, whatever the agent made them as. What came back after the last call is left out: nothing follows from it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from r2egym.agents import AgentConfig, conversation, packaged_config, read_config
from r2egym.agents.config import filled
from r2egym.agents.loop import opening
from r2egym.records import Message, Trajectory
from r2egym.tools import R2EGYM
from r2egym.training.options import Thoughts

Kind = Literal["edit", "test"]


class Openings:
    """Under which prompts an attempt is shown.

    Args:
        asked: ``auto``: those that it had, if they tell how calls are written as XML, else the packaged ones;
            ``recorded``: those that it had; else an agent's YAML file.
        kind: whose packaged prompts.

    Raises:
        UsageError: there is no such file.
    """

    def __init__(self, asked: str, kind: Kind) -> None:
        self._asked = asked
        self._config: AgentConfig = (
            packaged_config(f"{kind}_non_fn_calling")
            if asked in {"auto", "recorded"}
            else read_config(Path(asked))
        )

    def of(self, trajectory: Trajectory) -> tuple[Message, ...]:
        """The messages before the first step."""
        recorded = trajectory.opening
        tells = trajectory.mode == "xml" and any(one.role == "system" for one in recorded)
        if recorded and (self._asked == "recorded" or (self._asked == "auto" and tells)):
            return recorded
        values = {
            "working_dir": "/testbed",
            "command_docs": R2EGYM.manual(),
            "problem_statement": trajectory.problem_statement,
            **dict.fromkeys(("demo", "gt_patch", "test_patch_hint", "candidate_patch"), ""),
        }
        system = filled(self._config.system_prompt, values)
        return opening(system, filled(self._config.instance_prompt, values))


def converse(trajectory: Trajectory, openings: Openings, thoughts: Thoughts = "keep") -> tuple[Message, ...]:
    """The conversation, up to the model's last turn."""
    change = {"verbatim": False} | ({"thought": ""} if thoughts == "drop" else {})
    steps = (step.model_copy(update=change) for step in trajectory.trajectory_steps)
    return tuple(conversation(openings.of(trajectory), tuple(steps), "xml")[:-1])
