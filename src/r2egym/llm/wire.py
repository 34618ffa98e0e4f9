"""Requests and messages as JSON of OpenAI's chat protocol, both ways.

Half characters (lone surrogates, from the output of commands) become question marks: no server takes them. A call that
was broken goes back to the server without its arguments.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, NoReturn

from pydantic import JsonValue

from r2egym.records import Message, Request, ToolCall

_SHOWN = 60


def clean(text: str) -> str:
    """Text without half characters."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def request_to_json(request: Request, model: str) -> dict[str, JsonValue]:
    """The body of a chat completion request."""
    body: dict[str, JsonValue] = {
        "model": model,
        "messages": [*messages_to_json(request.messages)],
        "temperature": request.temperature,
    }
    if request.tools:
        body["tools"] = [*request.tools]
    if request.max_tokens is not None:
        body["max_tokens"] = request.max_tokens
    if request.stop:
        body["stop"] = [*request.stop]
    if request.seed is not None:
        body["seed"] = request.seed
    if request.logprobs is not None:
        body |= {"logprobs": True, "top_logprobs": request.logprobs}
    return body


def request_from_json(body: dict[str, Any]) -> Request:
    """What a request's body asks.

    Raises:
        ValueError: it is none.
    """
    stop = body.get("stop") or ()
    return Request(
        messages=messages_from_json(body["messages"]),
        tools=tuple(body.get("tools") or ()),
        temperature=1.0 if body.get("temperature") is None else body["temperature"],
        max_tokens=body.get("max_tokens") or body.get("max_completion_tokens"),
        stop=(stop,) if isinstance(stop, str) else tuple(stop),
        logprobs=body.get("top_logprobs", 0) if body.get("logprobs") else None,
        seed=body.get("seed"),
    )


def messages_to_json(messages: Iterable[Message]) -> list[dict[str, JsonValue]]:
    """A conversation; calls without an id, and the answers to them, are given one by their place."""
    out: list[dict[str, JsonValue]] = []
    unanswered: list[str] = []
    for place, message in enumerate(messages):
        item: dict[str, JsonValue] = {"role": message.role, "content": clean(message.content)}
        if message.calls:
            ids = [call.id or f"call_{place}_{number}" for number, call in enumerate(message.calls)]
            unanswered = list(ids)
            item["tool_calls"] = [
                call_to_json(call, own) for call, own in zip(message.calls, ids, strict=True)
            ]
        if message.role == "tool":
            own = message.call_id or next(iter(unanswered), "")
            if own in unanswered:
                unanswered.remove(own)
            item["tool_call_id"] = own
        out.append(item)
    return out


def messages_from_json(items: Iterable[Any]) -> tuple[Message, ...]:
    """A conversation read back; a tool's name comes from the call that it answers.

    Raises:
        ValueError: something in it is no message.
    """
    out: list[Message] = []
    tools: dict[str, str] = {}
    for item in items:
        calls = tuple(call_from_json(call) for call in item.get("tool_calls") or ())
        tools |= {call.id: call.name for call in calls}
        own = item.get("tool_call_id") or ""
        out.append(
            Message(
                role="system" if item["role"] == "developer" else item["role"],
                content=text_of(item.get("content")),
                calls=calls,
                call_id=own,
                name=tools.get(own, "") if item["role"] == "tool" else "",
            )
        )
    return tuple(out)


def text_of(content: JsonValue) -> str:
    """The text of a content, which is a string, nothing, or a list of parts."""
    if isinstance(content, list):
        parts = [part.get("text") for part in content if isinstance(part, dict)]
        return "".join(clean(part) for part in parts if isinstance(part, str))
    return clean(content) if isinstance(content, str) else ""


def call_to_json(call: ToolCall, own: str) -> dict[str, JsonValue]:
    """A tool call with its id."""
    arguments = clean(json.dumps(call.arguments, ensure_ascii=False))
    return {"id": own, "type": "function", "function": {"name": call.name, "arguments": arguments}}


def call_from_json(item: Any) -> ToolCall:
    """A tool call; arguments that cannot be read make it a broken one."""
    function = item.get("function") or {}
    name, own = clean(str(function.get("name") or "")), str(item.get("id") or "")
    raw = function.get("arguments")
    try:
        arguments = _arguments(raw)
    except (ValueError, RecursionError) as error:
        return ToolCall(name=name, id=own, broken=clean(f"{error}; they begin {str(raw)[:_SHOWN]!r}"))
    return ToolCall(name=name, id=own, arguments=arguments)


def _arguments(raw: JsonValue) -> dict[str, JsonValue]:
    """A call's arguments, usually JSON within a string; some servers send the object, or nothing at all."""
    value: JsonValue = raw
    if isinstance(raw, str):
        try:
            # Not strict: a line break within a string is a common slip, and has one meaning only.
            value = json.loads(raw, strict=False, parse_constant=_no_number) if raw.strip() else {}
        except ValueError as error:
            raise ValueError(f"the arguments are no JSON: {error}") from None
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ValueError(f"the arguments are no object, but {type(value).__name__}")  # noqa: TRY004
    return {clean(name): _cleaned(inner) for name, inner in value.items()}


def _cleaned(value: JsonValue) -> JsonValue:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [_cleaned(inner) for inner in value]
    if isinstance(value, dict):
        return {clean(name): _cleaned(inner) for name, inner in value.items()}
    return value


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON number")
