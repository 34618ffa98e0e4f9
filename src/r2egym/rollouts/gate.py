"""A bound on model calls at once, put around an agent."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from pydantic import JsonValue

from r2egym.agents import Agent, Mode, Policy
from r2egym.records import Answer, Message, Request, Task
from r2egym.rollouts.spec import RunOptions
from r2egym.tools import Toolset


@dataclass
class _GatedPolicy:
    """Waits for its turn before it asks."""

    inner: Policy
    gate: threading.Semaphore

    @property
    def opening(self) -> tuple[Message, ...]:
        return self.inner.opening

    def answer(self, request: Request, *, timeout: float) -> Answer:
        with self.gate:
            return self.inner.answer(request, timeout=timeout)


class _GatedAgent:
    """Like the agent it wraps, but that its policies share a gate."""

    def __init__(self, inner: Agent, calls: int) -> None:
        self.name, self.model = inner.name, inner.model
        self.mode: Mode = inner.mode
        self.toolset: Toolset = inner.toolset
        self._inner = inner
        self._gate = threading.BoundedSemaphore(calls)

    def identity(self) -> dict[str, JsonValue]:
        return self._inner.identity()

    def policy(self, task: Task, attempt: int = 0) -> Policy:
        return _GatedPolicy(self._inner.policy(task, attempt), self._gate)


def gated(agent: Agent, options: RunOptions) -> Agent:
    """The agent, with at most ``options.model_calls`` model calls at once."""
    return _GatedAgent(agent, options.model_calls) if options.model_calls else agent
