"""What one server turned out not to take, learned from its complaints and kept while the client lives.

A request that is refused for a parameter goes out once more without it, and so does every later one. ``max_tokens``
becomes ``max_completion_tokens`` first. Without ``stop``, the answer is cut here; without ``seed``, ``temperature`` or
``logprobs`` the request is simply less exact than was asked for.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from pydantic import JsonValue

from r2egym.llm.failures import Complaint, ComplaintError, error_of
from r2egym.records import Answer, Request

OPTIONAL = ("temperature", "max_tokens", "max_completion_tokens", "seed", "stop", "top_logprobs", "logprobs")
"""The parameters of OpenAI's protocol that a request can do without."""
_STOPS = ("stop", "stop_sequences")
_UNWANTED = re.compile(
    r"unsupported|support|unrecognized|unknown|unexpected|not permitted|extra (?:inputs|fields)|deprecated"
    r"|not allowed|not available|not accepted|incompatible",
    re.IGNORECASE,
)
_CODES = frozenset({400, 422})


class Dialect:
    """The parameters that one server refuses, of those that are optional."""

    def __init__(self, optional: tuple[str, ...] = OPTIONAL) -> None:
        self._optional = optional
        self._refused: set[str] = set()

    def apply(self, body: dict[str, JsonValue]) -> dict[str, JsonValue]:
        """The body as this server takes it."""
        refused = frozenset(self._refused)
        if "max_tokens" in refused and "max_tokens" in body:
            body = {**body, "max_completion_tokens": body["max_tokens"]}
        return {name: value for name, value in body.items() if name not in refused}

    def learn(self, complaint: Complaint, body: dict[str, JsonValue]) -> bool:
        """Whether the complaint is about a parameter that this body can do without; it is remembered if so."""
        if complaint.status not in _CODES or not _UNWANTED.search(f"{complaint.code} {complaint.message}"):
            return False
        names = [name for name in self._optional if name in body and _minds(complaint, name)]
        for name in names:
            self._refused |= {"logprobs", "top_logprobs"} if name.endswith("logprobs") else {name}
        return bool(names)

    def finish(self, answer: Answer, stop: tuple[str, ...]) -> Answer:
        """The answer cut at the first stop, where the server does not do so."""
        if self._refused.isdisjoint(_STOPS):
            return answer
        ends = [place for word in stop if word and (place := answer.text.find(word)) >= 0]
        return (
            answer.model_copy(update={"text": answer.text[: min(ends)], "finish": "stop"}) if ends else answer
        )


def _minds(complaint: Complaint, name: str) -> bool:
    """Whether it names that parameter; "stop" is a word that only quotes make a name of."""
    if complaint.parameter:
        return complaint.parameter == name
    quoted = rf"['\"`]{name}['\"`]"
    return bool(re.search(quoted if name == "stop" else rf"\b{name}\b", complaint.message))


def ask_in_dialect(
    dialect: Dialect,
    request: Request,
    body: dict[str, JsonValue],
    send: Callable[[dict[str, JsonValue]], Answer],
) -> Answer:
    """Send a body, again as often as the server minds yet another parameter.

    Raises:
        TryAgainError: it may work another time.
        ModelError: it will not.
    """
    while True:
        spoken = dialect.apply(body)
        try:
            return dialect.finish(send(spoken), request.stop)
        except ComplaintError as error:
            complaint = error.complaint
        if not dialect.learn(complaint, spoken):
            raise error_of(complaint)
