"""What a server's complaint means: which typed error, whether asking again may help, and how long to wait.

Servers do not agree on codes, so some are told by their phrasing; the phrases are those of OpenAI, Azure, vLLM, SGLang,
llama.cpp, TGI, Gemini and Anthropic. A server that words it otherwise gets the general error of its status code.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime

from pydantic import JsonValue

from r2egym.errors import (
    ContextOverflowError,
    ModelError,
    ModelRequestError,
    ModelUnavailableError,
    RefusalError,
)
from r2egym.settings import Secret

_OVERFLOW = re.compile(
    r"context_length_exceeded|exceed_context_size|maximum context length|maximum model length"
    r"|exceeds? the (?:available |model's )?context|model's context length|longer than the (?:model's )?context"
    r"|prompt is too long|exceed context limit|input token count.{0,40}exceeds the maximum|context window"
    r"|`inputs` tokens \+ `max_new_tokens` must be|request exceeds the maximum size",
    re.IGNORECASE,
)
_MAY_OVERFLOW = frozenset({400, 413, 422, 500})
_OUT_OF_MONEY = re.compile(
    r"insufficient_quota|credit balance is too low|exceeded your current quota", re.IGNORECASE
)
_AGAIN = frozenset({408, 409, 425, 429})
_HINTS = {401: "; is the key right?", 403: "; may this key use it?", 404: "; is that model served there?"}

_SHORTEST_SECRET = 4
_LONGEST_LINE = 400
_LOOKS_SECRET = re.compile(r"(?i)\b(?:sk|pk|gsk|xai|hf|rk)[-_][\w*.-]{6,}|\b(?:bearer|x-api-key:?)\s+\S+")


class TryAgainError(Exception):
    """One try failed in a way that may not last. Never leaves this room.

    Args:
        error: what to raise when there are no more tries.
        after: seconds that the server asks to wait, if it does.
    """

    def __init__(self, error: ModelError, after: float | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        self.after = after


@dataclass(frozen=True, slots=True)
class Complaint:
    """An answer of a server that says what is wrong."""

    status: int
    message: str
    code: str = ""
    """What it calls the error, all of its words for it."""
    parameter: str = ""
    """The parameter that it minds, where it tells."""
    after: float | None = None
    """Seconds that it asks to wait."""


class ComplaintError(Exception):
    """A server complained; carries the complaint to whoever may know a way round. Never leaves this room."""

    def __init__(self, complaint: Complaint) -> None:
        super().__init__(complaint.message)
        self.complaint = complaint


def complaint_of(status: int, text: str, headers: Mapping[str, str], today: float) -> Complaint:
    """Read a server's error, whichever of the usual forms it has."""
    try:
        body: JsonValue = json.loads(text)
    except (ValueError, RecursionError):
        body = None
    inner = body.get("error", body) if isinstance(body, dict) else body
    fields = inner if isinstance(inner, dict) else {}
    message = next((value for name in ("message", "msg", "detail") if (value := fields.get(name))), None)
    if message is None:
        message = inner if inner is not None else re.sub(r"<[^>]*>", " ", text)
    codes = [str(fields[name]) for name in ("code", "type") if fields.get(name) is not None]
    return Complaint(
        status=status,
        message=message if isinstance(message, str) else json.dumps(message),
        code=" ".join(codes),
        parameter=str(fields.get("param") or ""),
        after=_wait(headers, today),
    )


def error_of(complaint: Complaint) -> ModelError | TryAgainError:
    """The typed error that a complaint amounts to."""
    status = complaint.status
    whole = f"{complaint.code} {complaint.message}"
    if status in _MAY_OVERFLOW and _OVERFLOW.search(whole):
        return ContextOverflowError(
            f"the conversation is longer than the model's context: {complaint.message}"
        )
    if "content_filter" in complaint.code or "content_policy" in complaint.code:
        return RefusalError(f"the provider's filter declined: {complaint.message}")
    if _OUT_OF_MONEY.search(whole):
        return ModelRequestError(f"{status}: {complaint.message}")
    told = f"{status}: {complaint.message}" if complaint.message.strip() else f"{status}"
    if status in _AGAIN or status >= 500:  # noqa: PLR2004 -- the class of HTTP codes
        return TryAgainError(ModelUnavailableError(told), complaint.after)
    return ModelRequestError(told + _HINTS.get(status, ""))


def redact(text: str, secrets: Iterable[Secret]) -> str:
    """One bounded line without keys: neither ours, nor anything that looks like one."""
    for secret in secrets:
        if len(secret.reveal()) >= _SHORTEST_SECRET:
            text = text.replace(secret.reveal(), "***")
    line = " ".join(_LOOKS_SECRET.sub("***", text).split())
    return line if len(line) <= _LONGEST_LINE else f"{line[:_LONGEST_LINE]}…"


def _wait(headers: Mapping[str, str], today: float) -> float | None:
    """Seconds that the headers ask to wait; both forms of ``Retry-After``, and OpenAI's milliseconds."""
    lower = {name.lower(): value.strip() for name, value in headers.items()}
    for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        if re.fullmatch(r"\d+(?:\.\d+)?", lower.get(name, "")):
            return float(lower[name]) * scale
    try:
        moment = parsedate_to_datetime(lower.get("retry-after", ""))
    except (ValueError, IndexError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, moment.timestamp() - today)
