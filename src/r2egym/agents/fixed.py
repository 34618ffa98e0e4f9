"""Agents without a model: their calls are known beforehand. They measure and check everything but models.

- ``oracle`` puts the gold patch in place through the tools, so it must be rewarded with 1 everywhere;
- ``noop`` hands in at once, so it must be rewarded with 0 everywhere;
- ``script:FILE`` makes the calls of a file, the same for every task, by ``instance_id``, or by ``instance_id#N`` for attempt N.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import JsonValue, ValidationError

from r2egym.agents.base import Mode, Policy
from r2egym.agents.loop import opening
from r2egym.errors import UsageError
from r2egym.records import Answer, Message, Request, Task, ToolCall, content_hash
from r2egym.tools import R2EGYM, Toolset, parse, render

_PATCH = "/tmp/gold.patch"  # noqa: S108 - in the sandbox
_FINISH = ToolCall(name="finish", arguments={"command": "submit"})


class _Recited:
    """A policy that says one thing after the other, and hands in when it has no more to say."""

    def __init__(self, statement: str, turns: Sequence[str]) -> None:
        self._turns = tuple(turns)
        self._opening = opening("", statement)

    @property
    def opening(self) -> tuple[Message, ...]:
        return self._opening

    def answer(self, request: Request, *, timeout: float) -> Answer:  # noqa: ARG002 - a policy's signature
        number = sum(message.role == "assistant" for message in request.messages)
        return Answer(text=self._turns[number] if number < len(self._turns) else render(_FINISH))


class FixedAgent:
    """Base of agents without a model."""

    model = ""
    mode: Mode = "xml"
    toolset: Toolset = R2EGYM

    def __init__(self, name: str) -> None:
        self.name = name

    def identity(self) -> dict[str, JsonValue]:
        """Its name and tools."""
        return {"name": self.name, "tools": content_hash(list(self.toolset.schemas()))}

    def policy(self, task: Task, attempt: int = 0) -> Policy:
        """Its turns for an attempt."""
        return _Recited(task.problem_statement, self.turns(task, attempt))

    def turns(self, task: Task, attempt: int = 0) -> Sequence[str]:  # noqa: ARG002 - for subclasses
        """What it says, turn by turn."""
        return ()


class NoopAgent(FixedAgent):
    """Hands in at once."""

    def __init__(self) -> None:
        super().__init__("noop")


def patching(patch: str) -> list[str]:
    """Turns that write a patch down, apply it and hand in; an empty patch is handed in at once."""
    apply = f"git apply --whitespace=nowarn {_PATCH} && rm {_PATCH}"
    calls = (
        ToolCall(name="file_editor", arguments={"command": "create", "path": _PATCH, "file_text": patch}),
        ToolCall(name="execute_bash", arguments={"cmd": apply}),
    )
    return [render(call) for call in (*(calls if patch else ()), _FINISH)]


class OracleAgent(FixedAgent):
    """Puts the gold patch in place."""

    def __init__(self) -> None:
        super().__init__("oracle")

    def turns(self, task: Task, attempt: int = 0) -> Sequence[str]:  # noqa: ARG002 - all attempts are alike
        """Write the patch down, apply it, hand in."""
        return patching(task.patch)


class ScriptAgent(FixedAgent):
    """Makes the calls of a file.

    Args:
        path: JSON (a list of turns, or an object of lists by ``instance_id``, or by ``instance_id#N`` for attempt N alone;
            a turn is a text or ``{"name", "arguments"}``), JSONL (a turn a line), or text with XML calls one after the other.

    Raises:
        UsageError: the file cannot be read.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(f"script:{path.name}")
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{path}: cannot be read as a script ({error})") from None
        self._turns = _read(text, path)

    def identity(self) -> dict[str, JsonValue]:
        """Its turns too."""
        turns: dict[str, JsonValue] = {name: list(turns) for name, turns in self._turns.items()}
        return {**super().identity(), "name": "script", "turns": turns}

    def turns(self, task: Task, attempt: int = 0) -> Sequence[str]:
        """The turns for an attempt, a task, or all tasks: the first that the file has."""
        for name in (f"{task.instance_id}#{attempt}", task.instance_id, ""):
            if name in self._turns:
                return self._turns[name]
        return ()


def _read(text: str, path: Path) -> dict[str, tuple[str, ...]]:
    if path.suffix == ".jsonl":
        lines = [line for line in text.splitlines() if line.strip()]
        return {"": tuple(_turn(_json(line, path), path) for line in lines)}
    if path.suffix == ".json":
        value = _json(text, path)
        if isinstance(value, Mapping):
            return {str(name): _turns(turns, path) for name, turns in value.items()}
        return {"": _turns(value, path)}
    turns = []
    while (parsed := parse(text)).call is not None:
        turns.append(render(parsed.call))
        _, closed, text = text.partition("</function>")
        if not closed:
            break
    if not turns:
        raise UsageError(f"{path}: no call in it; a script is JSON, JSONL, or text with XML calls")
    return {"": tuple(turns)}


def _turns(value: object, path: Path) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise UsageError(f"{path}: expected a list of turns, or lists of turns by instance_id")
    return tuple(_turn(item, path) for item in value)


def _turn(value: object, path: Path) -> str:
    if isinstance(value, str):
        return value
    try:
        return render(ToolCall.model_validate(value))
    except ValidationError:
        raise UsageError(
            f'{path}: a turn is a text or {{"name": …, "arguments": …}}, not {str(value)[:80]}'
        ) from None


def _json(text: str, path: Path) -> object:
    try:
        return json.loads(text)
    except ValueError as error:
        raise UsageError(f"{path}: not JSON ({error})") from None
