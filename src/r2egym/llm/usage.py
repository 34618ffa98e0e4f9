"""Counting tokens before or after the fact, and adding up what calls took.

A count is the tokenizer's own where a ``tokenizer.json`` of the model is on this machine: in a folder that is named, or
in the Hugging Face cache, which is never asked to download. Otherwise it is estimated as UTF-8 bytes / 3.5, a rule of
thumb for code and English; the record says which it was.

Limits: chat templates differ, so each message is taken to cost four tokens more than its content, also with a tokenizer.
"""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from r2egym.errors import UsageError
from r2egym.records import Answer, Message, Record, Request, Usage

_BYTES_PER_TOKEN = 3.5
_PER_MESSAGE = 4
_MOST_KEPT = 100_000
_PREFIXES = ("hosted_vllm/", "vllm/", "openai/", "litellm/", "anthropic/")

_counters: dict[tuple[str, str], _Counter] = {}
_opening = threading.Lock()


class TokenCount(Record):
    """How many tokens something is."""

    tokens: int
    estimated: bool
    """Whether it was guessed from the number of bytes."""


def count_tokens(
    messages: Iterable[Message],
    tools: Iterable[dict[str, JsonValue]] = (),
    model: str = "",
    *,
    tokenizer: Path | None = None,
) -> TokenCount:
    """Tokens of a conversation and its tools.

    Args:
        messages: the conversation.
        tools: function-calling schemas.
        model: the model's name as users write it, whose tokenizer is looked for.
        tokenizer: a ``tokenizer.json``, or a folder that holds one, to use instead.

    Raises:
        UsageError: there is no tokenizer at that path.
    """
    counter = _counter(model, tokenizer)
    total = sum(_PER_MESSAGE + counter.count(text) for message in messages for text in [_text(message)])
    total += sum(counter.count(json.dumps(tool, sort_keys=True)) for tool in tools)
    return TokenCount(tokens=total, estimated=counter.estimated)


def total(usages: Iterable[Usage]) -> Usage:
    """The sum of what calls took; its cost is not known when one of theirs is not."""
    found = list(usages)
    costs = [usage.cost for usage in found if usage.cost is not None]
    return Usage(
        prompt=sum(usage.prompt for usage in found),
        completion=sum(usage.completion for usage in found),
        cached=sum(usage.cached for usage in found),
        cost=math.fsum(costs) if len(costs) == len(found) else None,
        estimated=any(usage.estimated for usage in found),
    )


def estimate_usage(request: Request, answer: Answer, model: str) -> Usage:
    """What a call took, for a server that does not say."""
    said = Message(role="assistant", content=answer.text, calls=answer.calls)
    return Usage(
        prompt=count_tokens(request.messages, request.tools, model).tokens,
        completion=count_tokens([said], (), model).tokens - _PER_MESSAGE,
        cost=answer.usage.cost,
        estimated=True,
    )


class _Counter:
    """Counts by one tokenizer, or by bytes; each text once.

    Texts are remembered by their hash and length, not kept: conversations are long, and grow by their end. Threads may
    count the same text twice, which is harmless; one operation of a dict is atomic.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._known: dict[tuple[int, int], int] = {}
        self.estimated = tokenizer is None

    def count(self, text: str) -> int:
        """Tokens of a text."""
        if self._tokenizer is None:
            return math.ceil(len(text.encode("utf-8", "replace")) / _BYTES_PER_TOKEN)
        key = (hash(text), len(text))
        known = self._known.get(key)
        if known is None:
            whole = text.encode("utf-8", "replace").decode()
            known = len(self._tokenizer.encode(whole, add_special_tokens=False).ids)
            if len(self._known) >= _MOST_KEPT:
                self._known = {}
            self._known[key] = known
        return known


def _text(message: Message) -> str:
    """A message's content and its calls, as one text."""
    calls = (f"{call.name}{json.dumps(call.arguments)}" for call in message.calls)
    return "".join((message.content, *calls))


def _counter(model: str, tokenizer: Path | None) -> _Counter:
    key = (model, str(tokenizer or ""))
    found = _counters.get(key)
    if found is not None:
        return found
    with _opening:
        if key not in _counters:
            _counters[key] = _Counter(_opened(_named(tokenizer)) if tokenizer is not None else _cached(model))
        return _counters[key]


def _named(path: Path) -> Path:
    inner = path / "tokenizer.json" if path.is_dir() else path
    if not inner.is_file():
        raise UsageError(f"{path}: no tokenizer.json there")
    return inner


def _cached(model: str) -> Any:
    """The model's tokenizer, from the folder of that name or from the Hugging Face cache; None: not there."""
    path = _place(model)
    try:
        return _opened(path) if path is not None else None
    except UsageError:  # nobody asked for this file, so a damaged one is as good as none
        return None


def _place(model: str) -> Path | None:
    for prefix in _PREFIXES:
        model = model.removeprefix(prefix)
    if model.startswith(("/", "./", "../", "~")):
        inner = Path(model).expanduser() / "tokenizer.json"
        return inner if inner.is_file() else None
    if model.count("/") != 1:
        return None
    from huggingface_hub import try_to_load_from_cache

    try:
        found = try_to_load_from_cache(model, "tokenizer.json")
    except ValueError:  # no name that the hub could have
        return None
    return Path(found) if isinstance(found, str) else None


def _opened(path: Path) -> Any:
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # noqa: BLE001 -- the library raises plain Exception for a file that it cannot read
        raise UsageError(f"{path}: no tokenizer ({error})") from None
    tokenizer.no_truncation()
    return tokenizer
