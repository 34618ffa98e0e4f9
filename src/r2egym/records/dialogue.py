"""What passes between an agent and a model: messages, tool calls, requests, answers."""

from __future__ import annotations

from typing import Literal

from pydantic import JsonValue

from r2egym.records.base import Record


class ToolCall(Record):
    """One call of a tool."""

    name: str
    arguments: dict[str, JsonValue] = {}
    id: str = ""
    """What the server calls it, when it came as a native call."""
    broken: str = ""
    """Why its arguments could not be read, when they could not; such a call is never run."""


class Message(Record):
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str = ""
    calls: tuple[ToolCall, ...] = ()
    """Native calls of an assistant's turn."""
    call_id: str = ""
    """Of a tool's turn: the call that it answers."""
    name: str = ""
    """Of a tool's turn: the tool."""


class Usage(Record):
    """What one model call took."""

    prompt: int = 0
    """Tokens of the request."""
    completion: int = 0
    """Tokens of the answer."""
    cached: int = 0
    """Tokens of the request that the provider had cached."""
    cost: float | None = None
    """US dollars; None: not known."""
    estimated: bool = False
    """Whether the numbers are ours, since the server gave none."""

    @property
    def total(self) -> int:
        """Tokens of request and answer."""
        return self.prompt + self.completion


class TokenLogprob(Record):
    """One token of an answer, and what else was likely in its place."""

    token: str
    logprob: float
    top: dict[str, float] = {}
    """Token → log probability, of the likeliest ones."""


class Request(Record):
    """What a model is asked."""

    messages: tuple[Message, ...]
    tools: tuple[dict[str, JsonValue], ...] = ()
    """Function-calling schemas; none: the model answers in text alone."""
    temperature: float = 0.0
    max_tokens: int | None = None
    """Most tokens of the answer; None: the server's own bound."""
    stop: tuple[str, ...] = ()
    logprobs: int | None = None
    """How many likely tokens to tell in each place; None: no log probabilities."""
    seed: int | None = None


class Answer(Record):
    """What a model said."""

    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    finish: Literal["stop", "length", "tool_calls", "content_filter", "other"] = "stop"
    usage: Usage = Usage()
    logprobs: tuple[TokenLogprob, ...] = ()
    model: str = ""
    """The model's name as the server gives it."""
    seconds: float = 0.0
    """Wall seconds, tries that failed included."""
    tries: int = 1
    """How many times it was asked for."""
