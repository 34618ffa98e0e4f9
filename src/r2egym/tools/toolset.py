"""The tools that an agent has, and all that is made from their definitions."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from pydantic import JsonValue

from r2egym.errors import SandboxFileError, UsageError
from r2egym.records import ToolCall
from r2egym.tools import checks
from r2egym.tools.base import BadCallError, Parameter, Tool, ToolResult, Workplace

_FORM = r"""
To use a tool, end your answer with one call in exactly this form:

<function=TOOL>
  <parameter=NAME>VALUE</parameter>
  <parameter=OTHER>VALUE</parameter>
</function>

- First say in a few sentences what you are about to do and why, then write the call.
- One call an answer. Whatever follows it is not read; its outcome comes with the next message.
- Give every required parameter, and none that the tool does not list.
- A value is taken as it stands, line breaks and spaces included: no quotes around it, no escapes such as \n or &lt;. A value of several
  lines may begin on the line after its opening tag and end on the line before its closing tag; those two line breaks are not part of it.
- Where a value itself has to contain </parameter>, </function>, <parameter= or <function=, write a backslash after
  the <, as in <\/parameter>. It is taken out again.
""".strip()


class Toolset:
    """Some tools in their order, each under its name.

    Args:
        tools: no two of one name.
    """

    def __init__(self, tools: Sequence[Tool]) -> None:
        self._tools = {tool.name: tool for tool in tools}
        if len(self._tools) < len(tools):
            raise UsageError("two tools have the same name")

    def __iter__(self) -> Iterator[Tool]:
        return iter(self._tools.values())

    def __len__(self) -> int:
        return len(self._tools)

    def __getitem__(self, name: str) -> Tool:
        return self._tools[name]

    def __contains__(self, name: object) -> bool:
        return name in self._tools

    @property
    def names(self) -> tuple[str, ...]:
        """What the tools are called."""
        return tuple(self._tools)

    def schemas(self) -> tuple[dict[str, JsonValue], ...]:
        """Function-calling schemas."""
        return tuple(tool.schema() for tool in self)

    def manual(self) -> str:
        """The tools, and the form of a call, for the prompt of a model that answers in XML."""
        return "\n\n".join(["You have these tools.", *map(_page, self), _FORM])

    def check(self, call: ToolCall) -> tuple[ToolCall, tuple[str, ...]]:
        """The call as it can be run, and one phrase a repair. Raises BadCallError. A checked call stays as it is."""
        return checks.check(self._tools, call)

    def run(self, workplace: Workplace, call: ToolCall) -> ToolResult:
        """Run a call. What the agent did wrong is a result.

        Raises:
            SandboxError: the sandbox broke.
        """
        started = time.monotonic()
        try:
            checked, _ = self.check(call)
            result = self._tools[checked.name].run(workplace, checked.arguments)
        except BadCallError as error:
            result = ToolResult(output=str(error), ok=False)
        except SandboxFileError as error:
            result = ToolResult(output=f"{error}.", ok=False)
        return result.model_copy(update={"seconds": time.monotonic() - started})


def _page(tool: Tool) -> str:
    lines = [f"## {tool.name}", tool.description, "Parameters:"]
    lines += [f"- {_line(each)}" for each in tool.parameters]
    return "\n".join(lines)


def _line(parameter: Parameter) -> str:
    need = "required" if parameter.required else "optional"
    text = f"{parameter.name} ({parameter.kind}, {need}): {parameter.description}"
    return f"{text} One of: {', '.join(parameter.choices)}." if parameter.choices else text
