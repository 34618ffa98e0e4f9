"""The conversation so far: how steps become messages, and what is left out when it grows too long."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from r2egym.agents.base import Mode
from r2egym.records import Message, Step, ToolCall

CONDENSED = "<Observation left out to save context>"
"""What stands in an older observation's place."""
SUBMIT_NOW = "You have used all steps that were given. Hand in your answer NOW."

Count = Callable[[Sequence[Message]], int]


def reminder(max_steps: int, taken: int) -> str:
    """What each turn's last message ends with; models that were trained on these words rely on them."""
    left = max_steps - taken
    return f"Steps Remaining: {left}" if left > 0 else SUBMIT_NOW


def conversation(opening: Sequence[Message], steps: Sequence[Step], mode: Mode) -> list[Message]:
    """Opening and steps as messages, without the reminder of the turn to come.

    Args:
        opening: the messages before the first step; the last is the user's.
        steps: so far.
        mode: of calls; in XML mode observations are user's messages.
    """
    messages = list(opening)
    for step in steps:
        messages[-1] = with_reminder(messages[-1], step.reminder)
        messages += turn(step, mode)
    return messages


def turn(step: Step, mode: Mode) -> tuple[Message, Message]:
    """One step as the assistant's message and the observation that answers it."""
    native = step.said or step.call
    if mode == "function_calling" and native is not None and native.id:
        call = ToolCall(name=native.name, arguments=native.arguments, id=native.id)
        return (
            Message(role="assistant", content=step.thought, calls=(call,)),
            Message(role="tool", content=step.observation, call_id=native.id, name=native.name),
        )
    said = "\n\n".join(part for part in (step.thought, step.action) if part)
    if step.verbatim and step.raw:
        said = step.raw
    return Message(role="assistant", content=said), Message(role="user", content=step.observation)


def with_reminder(message: Message, text: str) -> Message:
    """The message with a reminder as its last line."""
    return message.model_copy(update={"content": f"{message.content}\n{text}"}) if text else message


def condensed(messages: Sequence[Message], bound: int | None, count: Count) -> list[Message]:
    """The messages, older observations left out one by one from the oldest until they fit.

    The first user's message and the last one stay, whatever they hold.

    Args:
        messages: the conversation.
        bound: tokens; None: nothing is left out.
        count: tokens of messages.
    """
    kept = list(messages)
    if bound is None or count(kept) <= bound:
        return kept
    places = [number for number, message in enumerate(kept) if message.role in {"user", "tool"}]
    over = count(kept) - bound
    for place in places[1:-1]:
        if over <= 0:
            break
        short = kept[place].model_copy(update={"content": CONDENSED})
        over -= count([kept[place]]) - count([short])
        kept[place] = short
    return kept
