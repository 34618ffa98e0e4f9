"""A call of a tool, under its published name: over :func:`r2egym.tools.parse` and :func:`r2egym.tools.render`."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any, Self

from r2egym.records import ToolCall
from r2egym.tools import parse, render
from r2egym.tools.text import as_text


class Action:
    """A call.

    Args:
        function_name: the tool's name; empty: there was no call.
        parameters: by name.
        function_id: what a model's server calls it.
    """

    def __init__(
        self, function_name: str, parameters: Mapping[str, Any], function_id: str | None = None
    ) -> None:
        self.function_name = function_name
        self.parameters = dict(parameters)
        self.function_id = function_id

    @classmethod
    def from_string(cls, action_str: str) -> Self:
        """The first call in a text; one without a name when there is none."""
        call = parse(action_str).call
        return cls(call.name, call.arguments) if call is not None else cls("", {})

    @property
    def call(self) -> ToolCall | None:
        """As the other rooms have it; None: there was no call."""
        if not self.function_name:
            return None
        return ToolCall(name=self.function_name, arguments=self.parameters, id=self.function_id or "")

    def to_xml_string(self) -> str:
        """As a model writes it."""
        return render(self.call or ToolCall(name=""))

    def to_dict(self) -> dict[str, object]:
        """As JSON."""
        return {"function": self.function_name, "parameters": self.parameters}

    def to_bashcmd(self) -> str:
        """As a command line: the tool, its ``command``, then ``--NAME VALUE`` for all else."""
        if not self.function_name:
            return ""
        if self.function_name == "finish":
            return "echo '<<<Finished>>>'"
        words = [self.function_name]
        if self.parameters.get("command") is not None:
            words.append(as_text(self.parameters["command"]))
        for name, value in self.parameters.items():
            if name != "command":
                words += [f"--{name}", as_text(value)]
        return shlex.join(words)

    def __str__(self) -> str:
        return self.to_xml_string()

    def __repr__(self) -> str:
        return f"Action({self.function_name!r}, {self.parameters!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Action) and self.to_dict() == other.to_dict()

    __hash__ = None  # type: ignore[assignment]
