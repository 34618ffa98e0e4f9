"""What a scripted server sends for each answer and each fault, byte for byte."""

from __future__ import annotations

import json
from typing import Any

from r2egym.llm.answers import answer_to_json
from r2egym.llm.script import Fault
from r2egym.llm.usage import estimate_usage
from r2egym.records import Answer, Record, Request, ToolCall

_OVERFLOW = (
    "This model's maximum context length is 4096 tokens. However, your messages resulted in 5000 tokens."
)


class Reply(Record):
    """What goes over the connection."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = {}
    before: float = 0.0
    """Seconds of silence first."""
    trickle: float = 0.0
    """Seconds in which it sends blanks."""
    sent: int | None = None
    """Bytes of the body after which it hangs up; -1: it does not even answer; None: it sends all."""


def spoken(answer: Answer, request: Request, model: str, own: str) -> Reply:
    """The reply with an answer, its tokens estimated where it brings no count."""
    if not answer.usage.total:
        answer = answer.model_copy(update={"usage": estimate_usage(request, answer, "")})
    return Reply(body=json.dumps(answer_to_json(answer, model, own)).encode())


def complaint(status: int, message: str, code: str, headers: dict[str, str] | None = None) -> Reply:
    """A reply in the form of OpenAI's errors."""
    error = {"error": {"message": message, "type": code, "param": None, "code": code}}
    return Reply(status=status, body=json.dumps(error).encode(), headers=headers or {})


def failed(fault: Fault, request: Request, model: str, own: str) -> Reply:
    """The reply that a fault amounts to."""
    match fault.kind:
        case "delay":
            silent = {"before": fault.seconds, "sent": None if fault.then else -1}
            reply = spoken(fault.then or Answer(), request, model, own).model_copy(update=silent)
        case "drop":
            reply = Reply(sent=-1)
        case "half":
            whole = spoken(Answer(text="x" * 2000), request, model, own)
            reply = whole.model_copy(update={"sent": len(whole.body) // 2})
        case "trickle":
            reply = Reply(trickle=fault.seconds, body=b" " * 100_000, sent=0)
        case "error":
            reply = complaint(fault.status, "the script says so", "scripted")
            if fault.body is not None:
                reply = reply.model_copy(update={"body": json.dumps(fault.body).encode()})
        case "rate_limit":
            reply = complaint(429, "Rate limit reached for requests", "rate_limit_exceeded")
        case "malformed":
            reply = Reply(body=b'{"id": "chatcmpl-1", "choices": [{"index": 0, "mess')
        case "overflow":
            reply = complaint(400, _OVERFLOW, "context_length_exceeded")
        case _:
            reply = _unsaid(fault, request, model, own)
    return reply.model_copy(update={"headers": fault.headers})


def _unsaid(fault: Fault, request: Request, model: str, own: str) -> Reply:
    """A whole chat completion, and yet not what was hoped for."""
    answer = Answer(finish="content_filter") if fault.kind == "filtered" else Answer()
    if fault.kind == "broken_call":
        answer = Answer(calls=(ToolCall(name=_first_tool(request)),))
    body: Any = json.loads(spoken(answer, request, model, own).body)
    message = body["choices"][0]["message"]
    if fault.kind == "refusal":
        message["refusal"] = "I can't help with that."
    if fault.kind == "broken_call":
        message["tool_calls"][0]["function"]["arguments"] = '{"path": "/tmp/x", "text": "unfinis'
    return Reply(body=json.dumps(body).encode())


def _first_tool(request: Request) -> str:
    function = request.tools[0].get("function") if request.tools else None
    return str(function.get("name") or "tool") if isinstance(function, dict) else "tool"
