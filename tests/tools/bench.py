"""A short way to call tools in tests."""

from dataclasses import dataclass

from pydantic import JsonValue

from r2egym.records import ToolCall
from r2egym.tools import R2EGYM, ToolResult, Toolset, Workplace


@dataclass
class Bench:
    """A workplace and some tools."""

    workplace: Workplace
    tools: Toolset = R2EGYM

    def call(self, name: str, **arguments: JsonValue) -> ToolResult:
        """Call a tool."""
        return self.tools.run(self.workplace, ToolCall(name=name, arguments=arguments))

    def edit(self, command: str, path: str = "a.py", **arguments: JsonValue) -> ToolResult:
        """Call the editor."""
        return self.call("file_editor", command=command, path=path, **arguments)

    def bash(self, cmd: str) -> ToolResult:
        """Run a command."""
        return self.call("execute_bash", cmd=cmd)

    def put(self, data: bytes, path: str = "a.py", mode: int = 0o644) -> None:
        """Write a file behind the tools' back."""
        self.workplace.sandbox.write_file(f"/testbed/{path}", data, mode=mode)

    def get(self, path: str = "a.py") -> bytes:
        """Read a file behind the tools' back."""
        return self.workplace.sandbox.read_file(f"/testbed/{path}")
