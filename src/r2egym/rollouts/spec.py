"""What a run is: which agent, on which terms. All of it is plain data, so that a worker on another machine can make the same."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from r2egym.agents import (
    Agent,
    AgentConfig,
    LoopOptions,
    Mode,
    NoopAgent,
    OracleAgent,
    ScriptAgent,
    prompted,
)
from r2egym.environment import WorkOptions
from r2egym.errors import UsageError
from r2egym.llm import Model, open_model
from r2egym.records import Record

AgentKind = Literal["edit", "test", "oracle", "noop", "script"]


class AgentSpec(Record):
    """How an agent is made."""

    kind: AgentKind
    model: str = ""
    """Needed by ``edit`` and ``test``."""
    base_url: str | None = None
    """Where the model's server is."""
    mode: Mode = "xml"
    """How calls are made."""
    config: AgentConfig | None = None
    """A user's own prompts; None: the packaged ones."""
    script: Path | None = None
    """The file of ``script``."""
    record: Path | None = None
    """Write every answer of the model to this file."""
    replay: Path | None = None
    """Take the answers from this file instead of the model."""

    def make(self) -> tuple[Agent, Model | None]:
        """The agent, and the model's client (to be closed by the caller), if it has one.

        Raises:
            UsageError: something is missing, or leads nowhere.
        """
        if self.kind == "oracle":
            return OracleAgent(), None
        if self.kind == "noop":
            return NoopAgent(), None
        if self.kind == "script":
            if self.script is None:
                raise UsageError("--agent script:FILE needs the name of a file")
            return ScriptAgent(self.script), None
        if not self.model and self.replay is None:
            raise UsageError(
                f"--agent {self.kind} needs --model (gpt-4o, claude-…, vllm/ORG/MODEL, openai/NAME with --base-url)"
            )
        model = open_model(self.model, base_url=self.base_url, record=self.record, replay=self.replay)
        return prompted(self.kind, model, self.mode, config=self.config), model


def agent_spec(agent: str, **more: object) -> AgentSpec:
    """The spec of an agent as the command line names it: ``edit``, ``test``, ``oracle``, ``noop``, ``script:FILE``.

    Raises:
        UsageError: there is no such agent.
    """
    name, _, file = agent.partition(":")
    if name == "script" and file:
        return AgentSpec.model_validate({**more, "kind": "script", "script": Path(file)})
    if agent not in {"edit", "test", "oracle", "noop"}:
        raise UsageError(f"no agent is called {agent!r}; there are: edit, test, oracle, noop, script:FILE")
    return AgentSpec.model_validate({**more, "kind": agent})


_NATIVE = ("gpt-", "o1", "o3", "o4", "claude", "anthropic/", "gemini", "litellm/")


def native_by_name(model: str) -> bool:
    """Whether a model of that name is one that makes native calls well; others are asked for XML text."""
    return model.lower().startswith(_NATIVE)


class RunOptions(Record):
    """The terms of a run, apart from the agent."""

    loop: LoopOptions = LoopOptions()
    work: WorkOptions = WorkOptions()
    attempts: int = 1
    """Attempts a task."""
    jobs: int = 2
    """Attempts under way at once."""
    sandboxes: int | None = None
    """Sandboxes of agents at once; None: as many as attempts."""
    model_calls: int | None = None
    """Model calls at once; None: as many as attempts."""
    graders: int = 2
    """Grading runs at once."""
    retries: int = 2
    """How often an attempt that the machinery failed is taken up again."""
