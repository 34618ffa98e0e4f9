"""What a tool is: defined once, run on the host's side over the sandbox contract.

From a :class:`Tool` come its function-calling schema, its lines in an XML prompt and its observations. Nothing of a tool is
installed in the sandbox, so it works in a box with any Python or none. Limits: a tool has no state but its
:class:`Workplace`, and one workplace serves one attempt and one call at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from pydantic import JsonValue

from r2egym.records import Record
from r2egym.sandboxes.base import Sandbox, Session
from r2egym.tools.memory import Memory

Kind = Literal["string", "integer", "boolean", "array"]
"""Of a parameter; an array is one of integers."""


class BadCallError(Exception):
    """A call that cannot be run as it is; ``str()`` is an observation from which a model can mend it."""


@dataclass(frozen=True)
class Parameter:
    """One parameter of a tool."""

    name: str
    kind: Kind
    description: str
    required: bool = False
    choices: tuple[str, ...] = ()
    """The only values it takes; empty: any."""
    aliases: tuple[str, ...] = ()
    """Other names that models give it."""

    def schema(self) -> dict[str, JsonValue]:
        """As JSON schema."""
        made: dict[str, JsonValue] = {"type": self.kind, "description": self.description}
        if self.choices:
            made["enum"] = list(self.choices)
        if self.kind == "array":
            made["items"] = {"type": "integer"}
        return made


class ToolResult(Record):
    """What came of a call."""

    output: str
    exit_code: int | None = None
    """Of a command; None where none was run."""
    done: bool = False
    """Whether the agent says that it is ready."""
    result: str = ""
    """What it hands in with that."""
    timed_out: bool = False
    seconds: float = 0.0
    """Wall time of the tool."""
    ok: bool = True
    """False: the tool did not do what was asked, and ``output`` tells why."""


@dataclass
class Workplace:
    """Where an agent's tools work."""

    sandbox: Sandbox
    cwd: str = "/testbed"
    """Where relative paths begin, and each fresh shell."""
    memory: Memory = field(default_factory=Memory)
    """The editor's history."""
    timeout: float = 90.0
    """Seconds a command."""
    session: Session | None = None
    """The shell for all commands; None: a fresh shell for each."""


Arguments = Mapping[str, JsonValue]
"""Of a checked call: known names, values of the declared kinds."""


@dataclass(frozen=True)
class Tool:
    """One tool."""

    name: str
    description: str
    parameters: tuple[Parameter, ...]
    run: Callable[[Workplace, Arguments], ToolResult]
    aliases: tuple[str, ...] = ()
    """Other names that models give it."""

    def schema(self) -> dict[str, JsonValue]:
        """For a server that takes OpenAI's function-calling schemas."""
        return {
            "type": "function",
            "function": {
                "name": self.name,
                "description": self.description,
                "parameters": {
                    "type": "object",
                    "properties": {each.name: each.schema() for each in self.parameters},
                    "required": [each.name for each in self.parameters if each.required],
                },
            },
        }
