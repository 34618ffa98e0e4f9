"""Files of commands as tools: those of this package stand for the tools on the host's side, others run in the box."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from r2egym.agenthub.action import Action
from r2egym.agenthub.agent.commands import Command, ParseCommandBash
from r2egym.errors import UsageError
from r2egym.records import ToolCall
from r2egym.sandboxes.base import Sandbox
from r2egym.tools import R2EGYM, SWEAGENT, Parameter, Tool, ToolResult, Toolset, Workplace
from r2egym.tools.base import Arguments

HOST_SIDE = {tool.name: tool for tool in (*R2EGYM, *SWEAGENT)}
"""The tools that this package has."""
_MARKER = re.compile(r"^# r2egym: host-side tool (\w+)$", re.MULTILINE)
_PATH = re.compile(r"agenthub/tools/(?:r2egym/)?(\w+)\.py$")
_PARAMETER = re.compile(r"\*\*(\w+)\*\*\s*\(`?\w+`?,\s*(required|optional)\)\s*:?\s*(.*)")


def host_side(path: Path) -> Tool | None:
    """The tool that a file stands for; None: it is a user's own script."""
    if path.is_file():
        found = _MARKER.search(path.read_text(encoding="utf-8", errors="replace"))
    else:
        found = _PATH.search(path.as_posix())
    return HOST_SIDE.get(found[1]) if found else None


@dataclass(frozen=True)
class Script:
    """A user's file in the box."""

    path: Path
    commands: tuple[Command, ...]

    @property
    def sourced(self) -> bool:
        """Whether its commands are functions of bash."""
        return self.path.suffix == ".sh"

    @property
    def target(self) -> str:
        """Where it lies in the box."""
        return f"/usr/local/bin/{self.path.stem if self.path.suffix == '.py' else self.path.name}"

    def install(self, sandbox: Sandbox) -> None:
        """Put it there. Raises SandboxFileError."""
        sandbox.write_file(self.target, self.path.read_bytes(), mode=0o755)

    def line(self, action: Action) -> str:
        """What runs one of its commands."""
        line = action.to_bashcmd()
        return f". {self.target} && {line}" if self.sourced else line


class Commands(Toolset):
    """Tools of the host's side, and users' commands, whose calls are taken as they are.

    Args:
        tools: all of them; of two with one name, the last.
        scripts: the files that users' commands come from.
    """

    def __init__(self, tools: Iterable[Tool], scripts: Iterable[Script]) -> None:
        self.scripts = tuple(scripts)
        self.by_command = {one.name: script for script in self.scripts for one in script.commands}
        super().__init__(tuple({tool.name: tool for tool in tools}.values()))

    def check(self, call: ToolCall) -> tuple[ToolCall, tuple[str, ...]]:
        """As every toolset does; a user's command checks its arguments itself."""
        return (call, ()) if call.name in self.by_command else super().check(call)


def read_commands(files: Iterable[str | Path]) -> Commands:
    """The tools that files of commands give. Raises UsageError."""
    tools: list[Tool] = []
    scripts: list[Script] = []
    for file in files:
        path = Path(file)
        if (tool := host_side(path)) is not None:
            tools.append(tool)
        elif not path.is_file():
            raise UsageError(f"{file}: no such file of commands")
        else:
            script = Script(path, tuple(ParseCommandBash().parse_command_file(path)))
            scripts.append(script)
            tools += [_tool(script, one) for one in script.commands]
    return Commands(tools, scripts)


def _tool(script: Script, command: Command) -> Tool:
    def run(place: Workplace, arguments: Arguments) -> ToolResult:
        line = script.line(Action(command.name, arguments))
        done = place.sandbox.exec(f"exec 2>&1\n{line}", timeout=place.timeout, cwd=place.cwd)
        late = f"[ended after {place.timeout:g} s]\n" if done.timed_out else ""
        output = done.stdout + done.stderr + late
        last = "finish" in command.name.lower()
        return ToolResult(output=output, done=last, timed_out=done.timed_out, ok=not done.exit_code)

    return Tool(command.name, command.docstring or command.name, _parameters(command), run)


def _parameters(command: Command) -> tuple[Parameter, ...]:
    if command.arguments is not None:
        told = ((name, about if isinstance(about, dict) else {}) for name, about in command.arguments.items())
        return tuple(
            Parameter(
                name,
                "string",
                str(about.get("description") or name),
                required=bool(about.get("required")),
            )
            for name, about in told
        )
    return tuple(
        Parameter(name, "string", text.strip() or name, required=need == "required")
        for name, need, text in _PARAMETER.findall(command.docstring or "")
    )
