"""Agents that are a model and a prompt: the editing agent, the testing agent, and whatever a user's YAML describes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from pydantic import JsonValue

from r2egym.agents.base import Mode, Policy
from r2egym.agents.config import AgentConfig, filled, packaged_config
from r2egym.agents.loop import opening
from r2egym.llm import Model
from r2egym.records import Answer, Message, Request, Task, content_hash
from r2egym.tools import R2EGYM, Toolset

_ISSUE = re.compile(r"\[ISSUE\](.*)\[/ISSUE\]", re.DOTALL)
Kind = Literal["edit", "test"]


def instruction(task: Task) -> str:
    """What an agent is asked: the statement, or the part of it that ``[ISSUE]`` and ``[/ISSUE]`` enclose."""
    found = _ISSUE.search(task.problem_statement)
    return found[1] if found else task.problem_statement


class _Asking:
    """A policy that asks a model."""

    def __init__(self, model: Model, messages: tuple[Message, ...]) -> None:
        self._model = model
        self._opening = messages

    @property
    def opening(self) -> tuple[Message, ...]:
        return self._opening

    def answer(self, request: Request, *, timeout: float) -> Answer:
        return self._model.complete(request, timeout=timeout)


class PromptedAgent:
    """A model with a prompt.

    Args:
        model: answers.
        name: of the agent.
        config: what it is told.
        mode: how calls are made.
        toolset: what it may call.
        hints: further placeholders of the instance prompt (``candidate_patch``, ``test_patch_hint``).
    """

    def __init__(
        self,
        model: Model,
        *,
        name: str,
        config: AgentConfig,
        mode: Mode,
        toolset: Toolset = R2EGYM,
        hints: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.model = model.name
        self.mode: Mode = mode
        self.toolset = toolset
        self.config = config
        self._client = model
        self._hints = dict(hints or {})

    def identity(self) -> dict[str, JsonValue]:
        """Prompts, tools, mode and model."""
        hints: dict[str, JsonValue] = {**self._hints}
        return {
            "name": self.name,
            "model": self.model,
            "mode": self.mode,
            "system_prompt": self.config.system_prompt,
            "instance_prompt": self.config.instance_prompt,
            "tools": content_hash(list(self.toolset.schemas())),
            "hints": hints,
        }

    def policy(self, task: Task, attempt: int = 0) -> Policy:  # noqa: ARG002 - all attempts are alike
        """The model, told of the task."""
        values = {
            "working_dir": "/testbed",
            "command_docs": self.toolset.manual(),
            "demo": "",
            # the published prompts have these; what could give the answer away is empty unless a caller hands it in
            "gt_patch": "",
            "test_patch_hint": "",
            "candidate_patch": "",
            "candidate_patch_correctness": "incorrect",
            **self._hints,
            "problem_statement": instruction(task),
        }
        system = filled(self.config.system_prompt, {key: values[key] for key in ("command_docs", "demo")})
        return _Asking(self._client, opening(system, filled(self.config.instance_prompt, values)))


def prompted(kind: Kind, model: Model, mode: Mode, *, config: AgentConfig | None = None) -> PromptedAgent:
    """The editing or the testing agent.

    Args:
        kind: which.
        model: answers.
        mode: how calls are made.
        config: a user's own; None: the packaged one.
    """
    suffix = "fn_calling" if mode == "function_calling" else "non_fn_calling"
    return PromptedAgent(model, name=kind, config=config or packaged_config(f"{kind}_{suffix}"), mode=mode)
