"""What a scripted model says, and how it fails.

A script is a list, which every conversation goes through from its beginning, or a function from the request. Where a
conversation stands is told by how many turns of the assistant it has, so any number of them may run at once. A fault in
a list comes before the answer that follows it, once in every place where it is met: conversations with the same messages
share their faults.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Literal

from pydantic import JsonValue

from r2egym.errors import UsageError
from r2egym.records import Answer, Message, Record, content_hash

FaultKind = Literal[
    "delay",
    "drop",
    "half",
    "trickle",
    "error",
    "rate_limit",
    "malformed",
    "overflow",
    "refusal",
    "filtered",
    "empty",
    "broken_call",
]


class Fault(Record):
    """One way in which a server fails."""

    kind: FaultKind
    """``delay``: silent for ``seconds``, then ``then``, or hangs up; ``drop``: hangs up; ``half``: hangs up within the
    body; ``trickle``: one byte of nothing every 20 ms for ``seconds``, then hangs up; ``error``: ``status`` with
    ``body``; ``rate_limit``: 429; ``malformed``: a body that is no JSON; ``overflow``: the conversation is too long;
    ``refusal``: the model declines; ``filtered``: the provider's filter leaves nothing; ``empty``: neither text nor a
    call; ``broken_call``: a call whose arguments are no JSON."""
    seconds: float = 60.0
    """Of a delay and a trickle."""
    then: Answer | None = None
    """What a delay ends in."""
    status: int = 500
    """Of an error."""
    body: JsonValue = None
    """Of an error; None: a message in OpenAI's form."""
    headers: dict[str, str] = {}
    """To send along, for instance ``Retry-After``."""


Cue = Answer | Fault | str
"""One thing to happen; a string is an answer of that text."""


class Playbook:
    """A list of cues, played to each conversation by its own place in it. Threads may ask at once.

    Args:
        cues: what happens, in order.

    Raises:
        UsageError: there are none.
    """

    def __init__(self, cues: Sequence[Cue]) -> None:
        if not cues:
            raise UsageError("a script has at least one answer")
        self._scenes: list[list[Answer | Fault]] = [[]]
        for cue in cues:
            act = Answer(text=cue) if isinstance(cue, str) else cue
            self._scenes[-1].append(act)
            if goes_on(act):
                self._scenes.append([])
        if not self._scenes[-1]:
            self._scenes.pop()
        self._asked: dict[str, int] = {}
        self._lock = threading.Lock()

    def next(self, messages: Sequence[Message]) -> Answer | Fault:
        """What happens to a request with these messages.

        Raises:
            UsageError: the script is over.
        """
        turn = sum(message.role == "assistant" for message in messages)
        if turn >= len(self._scenes):
            raise UsageError(f"the script ends after {len(self._scenes)} answers, and was asked for one more")
        key = content_hash([message.model_dump(mode="json") for message in messages])
        with self._lock:
            asked = self._asked.get(key, 0)
            self._asked[key] = asked + 1
        scene = self._scenes[turn]
        return scene[min(asked, len(scene) - 1)]


def goes_on(act: Answer | Fault) -> bool:
    """Whether a conversation has one turn more after it."""
    if isinstance(act, Answer):
        return bool(act.text.strip() or act.calls)
    return act.kind == "broken_call" or act.then is not None
