"""Playing a recorded run again, offline, and saying where it goes another way.

An answer belongs to the exact request that it was given to. The same request, recorded several times (attempts that
begin alike), is answered in the order of the recording, and from its start again when that is used up: so attempts that
run at once do not mix, in whatever order they ask.
"""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from r2egym import errors
from r2egym.errors import ModelError, ReplayError, UsageError
from r2egym.llm.recorder import conversation_of, digest, step_of
from r2egym.records import Answer, Message, Request

_AROUND = 20
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class _Take:
    """One line of the recording."""

    request: Request
    answer: Answer | ModelError


class Replayer:
    """A model that says what was recorded, and nothing else. Threads may ask at once.

    Args:
        path: what a :class:`~r2egym.llm.recorder.Recorder` wrote; a last line that was cut short is ignored.

    Raises:
        UsageError: it is not there, or is no recording.
    """

    def __init__(self, path: Path) -> None:
        self.name = path.stem
        self._path = path
        self._takes: dict[str, list[_Take]] = defaultdict(list)
        self._conversations: dict[str, dict[int, list[_Take]]] = defaultdict(lambda: defaultdict(list))
        self._asked: dict[str, int] = defaultdict(int)
        self._lock = threading.Lock()
        messages: dict[str, Message] = {}
        for number, line in enumerate(_lines(path), start=1):
            try:
                self._add(json.loads(line), messages)
            except (ValueError, KeyError, TypeError) as error:
                raise UsageError(
                    f"{path}:{number}: no recording of a model ({type(error).__name__})"
                ) from None

    def complete(self, request: Request, *, timeout: float = 120.0) -> Answer:  # noqa: ARG002 -- it never waits
        """What the model answered to this request.

        Raises:
            ReplayError: it was not asked this; the text says at which step it was asked something else, and what.
            ModelError: what was raised when it was recorded.
        """
        own = digest(request)
        takes = self._takes.get(own)
        if takes is None:
            raise ReplayError(f"{self._path.name}: {self._difference(request)}")
        with self._lock:
            take = takes[self._asked[own] % len(takes)]
            self._asked[own] += 1
        if isinstance(take.answer, ModelError):
            raise type(take.answer)(*take.answer.args)
        return take.answer

    def close(self) -> None:
        """Nothing to do."""

    def _add(self, line: Any, messages: dict[str, Message]) -> None:
        messages |= {own: Message.model_validate(message) for own, message in line["new"].items()}
        request = Request.model_validate(
            {**line["request"], "messages": tuple(messages[own] for own in line["messages"])}
        )
        answer = _failure(*line["error"]) if "error" in line else Answer.model_validate(line["answer"])
        take = _Take(request, answer)
        self.name = line["model"]
        self._takes[line["digest"]].append(take)
        self._conversations[line["conversation"]][line["step"]].append(take)

    def _difference(self, request: Request) -> str:
        """Where a request that was never made first differs from the nearest one that was."""
        own, step = conversation_of(request), step_of(request)
        where = f"step {step + 1} of conversation {own} ({_topic(request)})"
        if own in self._conversations:
            steps = self._conversations[own]
            if step not in steps:
                return f"{where}: the recording of it has {max(steps) + 1} steps"
            nearest = max(steps[step], key=lambda take: _common(take.request, request))
            return f"{where}: {difference(nearest.request, request)}"
        firsts = [take for steps in self._conversations.values() for take in steps.get(step, ())]
        if not firsts:
            return f"{where}: no such conversation was recorded"
        nearest = max(firsts, key=lambda take: _likeness(take.request, request))
        return f"{where} was not recorded; nearest to it, {difference(nearest.request, request)}"


def difference(recorded: Request, asked: Request) -> str:
    """The first thing in which two requests differ, in words; empty: in nothing."""
    same = _common(recorded, asked)
    if same < max(len(recorded.messages), len(asked.messages)):
        if same == min(len(recorded.messages), len(asked.messages)):
            return f"{len(recorded.messages)} messages were recorded, there are now {len(asked.messages)}"
        return f"message {same + 1} {_parting(recorded.messages[same], asked.messages[same])}"
    for name in Request.model_fields:
        before, now = getattr(recorded, name), getattr(asked, name)
        if before != now:
            return f"{name} {_texts(repr(before), repr(now))}"
    return ""


def _parting(recorded: Message, asked: Message) -> str:
    """In which field two messages part, and where within it."""
    for name in Message.model_fields:
        before, now = getattr(recorded, name), getattr(asked, name)
        if before != now:
            as_text = (
                (before, now)
                if isinstance(before, str) and isinstance(now, str)
                else (repr(before), repr(now))
            )
            return f"({asked.role}), {name} {_texts(*as_text)}"
    return f"({asked.role}) differs"


def _texts(before: str, now: str) -> str:
    """Where two texts part, with what stands around."""
    place = _prefix(before, now)
    start, end = max(0, place - _AROUND), place + _AROUND
    return f"differs from character {place + 1}: recorded {before[start:end]!r}, now {now[start:end]!r}"


def _prefix(before: str, now: str) -> int:
    """How many characters two texts have in common at their start."""
    pairs = enumerate(zip(before, now, strict=False))
    return next((place for place, (one, other) in pairs if one != other), min(len(before), len(now)))


def _common(recorded: Request, asked: Request) -> int:
    """How many messages two requests have in common at their start."""
    pairs = enumerate(zip(recorded.messages, asked.messages, strict=False))
    shorter = min(len(recorded.messages), len(asked.messages))
    return next((place for place, (one, other) in pairs if one != other), shorter)


def _likeness(recorded: Request, asked: Request) -> tuple[int, int]:
    """For finding the nearest: messages in common, then characters of the first one that differs."""
    same = _common(recorded, asked)
    if same >= min(len(recorded.messages), len(asked.messages)):
        return same, 0
    return same, _prefix(recorded.messages[same].content, asked.messages[same].content)


def _topic(request: Request) -> str:
    """What people know a conversation by: how its first user turn begins."""
    text = next((message.content for message in request.messages if message.role == "user"), "no user turn")
    line = " ".join(text.split())
    return repr(line[:_SHOWN])


def _failure(name: str, text: str) -> ModelError:
    kind = getattr(errors, name)
    if not (isinstance(kind, type) and issubclass(kind, ModelError)):
        raise TypeError(name)
    return kind(text)


def _lines(path: Path) -> list[bytes]:
    """The whole lines of a recording; what follows the last line break was cut short."""
    try:
        return path.read_bytes().split(b"\n")[:-1]
    except OSError as error:
        raise UsageError(f"{path}: no recording there ({error.strerror})") from None
