"""What an agent is: something that decides, turn by turn, which tool to call next.

An :class:`Agent` is a configuration and knows no task; for one attempt it makes a :class:`Policy`, which sees the
conversation and answers. A model behind HTTP, a replayed patch and a list of calls are all the same to the loop.
"""

from __future__ import annotations

from typing import Literal, Protocol

from pydantic import JsonValue

from r2egym.records import Answer, Message, Record, Request, RolloutLimits, Task
from r2egym.tools import Toolset

Mode = Literal["function_calling", "xml"]
"""How calls are made: natively, or as XML text."""


class Sampling(Record):
    """How a model is asked."""

    temperature: float = 0.0
    seed: int | None = None
    max_tokens: int | None = None
    """Most tokens of one answer; None: the server's own bound."""


class LoopOptions(Record):
    """Bounds and habits of one attempt."""

    limits: RolloutLimits = RolloutLimits()
    sampling: Sampling = Sampling()
    condense_tokens: int | None = 28_000
    """Tokens of a request past which older observations are left out of it; None: never."""
    logprobs: bool = False
    """Whether to ask the server for the log probability of each token that it gives, for ``r2egym export --for rl``. The
    conversation then goes on with every answer as it was given, since a row is of use only when it is what the server saw."""


class Policy(Protocol):
    """Decides in one attempt."""

    @property
    def opening(self) -> tuple[Message, ...]:
        """The messages before the first turn; the last one is a user's."""
        ...

    def answer(self, request: Request, *, timeout: float) -> Answer:
        """The next turn.

        Raises:
            ModelError: there is no answer to be had.
        """
        ...


class Speaker(Protocol):
    """How somebody calls which tools."""

    model: str
    """The model's name; empty: there is none."""
    mode: Mode
    toolset: Toolset


class Agent(Speaker, Protocol):
    """Makes policies."""

    name: str

    def identity(self) -> dict[str, JsonValue]:
        """All that makes this agent behave as it does, as JSON: part of an attempt's identity."""
        ...

    def policy(self, task: Task, attempt: int = 0) -> Policy:
        """A policy for one attempt at a task; attempts count from 0."""
        ...
