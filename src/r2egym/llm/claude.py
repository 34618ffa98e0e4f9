"""Anthropic's messages protocol, through its own client (the extra ``anthropic``).

The system prompt, the tools and the last two turns of the user are marked for the provider's cache: all four marks that
it allows, so each step of an agent pays for its newest turn alone.

Limits: it has neither ``seed`` nor log probabilities, so these are left out; temperatures end at 1; it insists on a
bound of the answer, which is 8,192 tokens where the request has none.
"""

from __future__ import annotations

import importlib
import json
import re
from typing import Any, Literal

from pydantic import JsonValue, ValidationError

from r2egym.errors import MissingExtraError, ModelUnavailableError, RefusalError
from r2egym.llm.answers import said_something
from r2egym.llm.dialect import Dialect, ask_in_dialect
from r2egym.llm.exchange import exchange, http_client
from r2egym.llm.failures import TryAgainError
from r2egym.llm.names import ModelName
from r2egym.llm.wire import clean
from r2egym.records import Answer, Message, Request, ToolCall, Usage
from r2egym.settings import Secret

_MOST_TOKENS = 8192
_CACHED_TURNS = 2
_NOTHING = "(empty)"
_MARK: dict[str, JsonValue] = {"type": "ephemeral"}

_FINISHES: dict[str, Literal["stop", "length", "tool_calls", "content_filter"]] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}


class AnthropicTransport:
    """One try at Anthropic, or at a server that speaks its protocol.

    Raises:
        MissingExtraError: the client is not installed.
    """

    def __init__(self, name: ModelName, key: Secret | None) -> None:
        try:
            self._sdk = importlib.import_module("anthropic")
        except ModuleNotFoundError:
            raise MissingExtraError(f"{name.model} needs Anthropic's client", "anthropic") from None
        self._model = name.model
        self._dialect = Dialect(optional=("temperature", "stop_sequences"))
        self._client = self._sdk.Anthropic(
            api_key=key.reveal() if key else "none",
            base_url=name.base_url or "https://api.anthropic.com",
            max_retries=0,
            http_client=http_client(self._sdk, name.base_url),
        )

    def ask(self, request: Request, seconds: float) -> Answer:
        """Ask once; a second time at once where the server minds a parameter."""
        return ask_in_dialect(
            self._dialect, request, body_of(request, self._model), lambda body: self._send(body, seconds)
        )

    def close(self) -> None:
        """Close connections; twice is safe."""
        self._client.close()

    def _send(self, body: dict[str, JsonValue], seconds: float) -> Answer:
        create = self._client.messages.with_streaming_response.create
        bound = body["max_tokens"]  # an argument of its own in the client's signature

        def with_bound(**rest: Any) -> Any:
            return create(**rest, max_tokens=bound)

        return answer_of(exchange(self._sdk, with_bound, body, seconds))


def body_of(request: Request, model: str) -> dict[str, JsonValue]:
    """A request in Anthropic's form, with its marks for the cache."""
    system: list[dict[str, Any]] = [
        {"type": "text", "text": clean(message.content)}
        for message in request.messages
        if message.role == "system" and message.content.strip()
    ]
    turns = _turns(request.messages)
    tools = [_tool(tool) for tool in request.tools]
    users = [turn for turn in turns if turn["role"] == "user"]
    for blocks in (system, tools, *(turn["content"] for turn in users[-_CACHED_TURNS:])):
        if blocks:
            blocks[-1]["cache_control"] = _MARK
    body: dict[str, Any] = {
        "model": model,
        "messages": turns,
        "max_tokens": request.max_tokens or _MOST_TOKENS,
        "temperature": min(request.temperature, 1.0),
    }
    stop = [word for word in request.stop if word.strip()]
    return body | {
        name: value
        for name, value in (("system", system), ("tools", tools), ("stop_sequences", stop))
        if value
    }


def _turns(messages: tuple[Message, ...]) -> list[dict[str, Any]]:
    """Turns of user and assistant in alternation: what tools answered is said by the user."""
    turns: list[dict[str, Any]] = []
    unanswered: list[str] = []
    for place, message in enumerate(messages):
        if message.role == "system":
            continue
        role = "assistant" if message.role == "assistant" else "user"
        blocks: list[dict[str, Any]] = []
        if message.role == "tool":
            own = _id(message.call_id) or next(iter(unanswered), "")
            unanswered = [other for other in unanswered if other != own]
            blocks.append({"type": "tool_result", "tool_use_id": own, "content": clean(message.content)})
        elif message.content.strip() or not message.calls:
            blocks.append({"type": "text", "text": clean(message.content).rstrip() or _NOTHING})
        for number, call in enumerate(message.calls):
            own = _id(call.id) or f"call_{place}_{number}"
            unanswered.append(own)
            arguments = json.loads(clean(json.dumps(call.arguments, ensure_ascii=False)))
            blocks.append({"type": "tool_use", "id": own, "name": clean(call.name), "input": arguments})
        if turns and turns[-1]["role"] == role:
            turns[-1]["content"] += blocks
        else:
            turns.append({"role": role, "content": blocks})
    return turns


def _tool(tool: dict[str, Any]) -> dict[str, Any]:
    """A function-calling schema in Anthropic's form."""
    function = tool.get("function", tool)
    return {
        "name": function["name"],
        "description": function.get("description", ""),
        "input_schema": function.get("parameters") or {"type": "object", "properties": {}},
    }


def _id(own: str) -> str:
    """A call's id in the letters that Anthropic allows; another server may have given it."""
    return re.sub(r"[^a-zA-Z0-9_-]", "_", own)


def answer_of(body: Any) -> Answer:
    """Read Anthropic's answer.

    Raises:
        RefusalError: the model declined.
        EmptyAnswerError: all tokens went elsewhere.
        TryAgainError: nothing was said, or this is no answer.
    """
    failure: Exception
    try:
        return _answer(body)
    except (AttributeError, KeyError, TypeError, ValidationError) as error:
        text = f"the server's answer is no message ({type(error).__name__})"
        failure = TryAgainError(ModelUnavailableError(text))
    raise failure


def _answer(body: Any) -> Answer:
    blocks, usage = body["content"], body.get("usage") or {}
    cached, written = usage.get("cache_read_input_tokens") or 0, usage.get("cache_creation_input_tokens") or 0
    answer = Answer(
        text="".join(clean(block["text"]) for block in blocks if block["type"] == "text"),
        calls=tuple(
            ToolCall(name=block["name"], arguments=block["input"], id=block["id"])
            for block in blocks
            if block["type"] == "tool_use"
        ),
        finish=_FINISHES.get(body.get("stop_reason") or "", "other"),
        usage=Usage(
            prompt=(usage.get("input_tokens") or 0) + cached + written,
            completion=usage.get("output_tokens") or 0,
            cached=cached,
        ),
        model=str(body.get("model") or ""),
    )
    if body.get("stop_reason") == "refusal":
        # Whatever it had begun to say before it declined is no answer.
        raise RefusalError(f"the model declined{': ' + answer.text if answer.text else ''}")
    return said_something(answer)
