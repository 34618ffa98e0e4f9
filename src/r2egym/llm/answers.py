"""Answers as JSON of OpenAI's chat protocol, both ways."""

from __future__ import annotations

import json
from typing import Any, Literal

from pydantic import JsonValue, ValidationError

from r2egym.errors import EmptyAnswerError, ModelUnavailableError, RefusalError
from r2egym.llm.failures import ComplaintError, TryAgainError, complaint_of
from r2egym.llm.wire import call_from_json, call_to_json, clean, text_of
from r2egym.records import Answer, TokenLogprob, Usage

Finish = Literal["stop", "length", "tool_calls", "content_filter", "other"]

_FINISHES: dict[str, Finish] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}
_BROKE = 502


def answer_from_json(body: Any) -> Answer:
    """Read the body of a chat completion.

    Raises:
        RefusalError: the model, or a filter, declined.
        EmptyAnswerError: all tokens went elsewhere, so asking again would not help.
        TryAgainError: nothing was said, or this is no answer.
        ComplaintError: it is an error after all, sent with status 200 as some relays do.
    """
    failure: Exception
    try:
        return _answer(body)
    except (AttributeError, IndexError, KeyError, TypeError, ValidationError) as error:
        text = f"the server's answer is no chat completion ({type(error).__name__})"
        failure = TryAgainError(ModelUnavailableError(text))
    raise failure


def _answer(body: Any) -> Answer:
    if body.get("error"):
        status = body["error"].get("code") if isinstance(body["error"], dict) else None
        status = status if isinstance(status, int) else _BROKE
        raise ComplaintError(complaint_of(status, json.dumps(body), {}, 0.0))
    choice = body["choices"][0]
    message = choice["message"]
    calls = tuple(call_from_json(call) for call in message.get("tool_calls") or ())
    text = text_of(message.get("content"))
    if not text.strip() and not calls:
        text = text_of(message.get("reasoning_content") or message.get("reasoning"))
    answer = Answer(
        text=text,
        calls=calls,
        finish=_FINISHES.get(choice.get("finish_reason") or "stop", "other"),
        usage=usage_from_json(body.get("usage") or {}),
        logprobs=_logprobs(choice.get("logprobs") or {}),
        model=clean(str(body.get("model") or "")),
    )
    return said_something(answer, text_of(message.get("refusal")))


def said_something(answer: Answer, refusal: str = "") -> Answer:
    """The answer, if it is one.

    Raises:
        RefusalError: a refusal instead.
        EmptyAnswerError: it used up its tokens before it said anything.
        TryAgainError: simply nothing.
    """
    if answer.text.strip() or answer.calls:
        return answer
    if refusal:
        raise RefusalError(f"the model declined: {refusal}")
    if answer.finish == "content_filter":
        raise RefusalError("the provider's filter left nothing of the answer")
    if answer.finish == "length":
        raise EmptyAnswerError("the model used up its tokens before it said anything; allow it more")
    raise TryAgainError(EmptyAnswerError("the model said nothing, neither text nor a call"))


def usage_from_json(usage: Any) -> Usage:
    """Tokens and cost, where the server tells them."""
    details = usage.get("prompt_tokens_details") or {}
    cached = details.get("cached_tokens") or usage.get("prompt_cache_hit_tokens") or 0
    cost = usage.get("cost")
    return Usage(
        prompt=usage.get("prompt_tokens") or 0,
        completion=usage.get("completion_tokens") or 0,
        cached=cached,
        cost=cost if isinstance(cost, int | float) else None,
    )


def answer_to_json(answer: Answer, model: str, own: str) -> dict[str, JsonValue]:
    """The body of a chat completion with this answer."""
    message: dict[str, JsonValue] = {
        "role": "assistant",
        "content": clean(answer.text) or None,
        "refusal": None,
    }
    if answer.calls:
        message["tool_calls"] = [
            call_to_json(call, call.id or f"call_{own}_{number}") for number, call in enumerate(answer.calls)
        ]
    choice: dict[str, JsonValue] = {"index": 0, "message": message, "finish_reason": answer.finish}
    if answer.calls and answer.finish == "stop":
        choice["finish_reason"] = "tool_calls"
    if answer.logprobs:
        choice["logprobs"] = {"content": [_logprob_to_json(token) for token in answer.logprobs]}
    usage: dict[str, JsonValue] = {
        "prompt_tokens": answer.usage.prompt,
        "completion_tokens": answer.usage.completion,
        "total_tokens": answer.usage.total,
        "prompt_tokens_details": {"cached_tokens": answer.usage.cached},
    }
    if answer.usage.cost is not None:
        usage["cost"] = answer.usage.cost
    return {
        "id": f"chatcmpl-{own}",
        "object": "chat.completion",
        "created": 0,
        "model": answer.model or model,
        "choices": [choice],
        "usage": usage,
    }


def _logprobs(found: Any) -> tuple[TokenLogprob, ...]:
    return tuple(
        TokenLogprob(
            token=clean(item["token"]),
            logprob=item["logprob"],
            top={clean(other["token"]): other["logprob"] for other in item.get("top_logprobs") or ()},
        )
        for item in found.get("content") or ()
    )


def _logprob_to_json(token: TokenLogprob) -> dict[str, JsonValue]:
    top: list[JsonValue] = [{"token": other, "logprob": value} for other, value in token.top.items()]
    return {"token": token.token, "logprob": token.logprob, "top_logprobs": top}
