"""What comes of a call, under its published name: over :func:`r2egym.tools.render_observation`."""

from __future__ import annotations

from r2egym.agenthub.action import Action
from r2egym.tools import ToolResult, render_observation

_COMMAND = "execute_bash"
_LAST = ("finish", "submit")


class Observation:
    """What comes of a call; ``str()`` is what an agent reads.

    Args:
        bash_output: what it printed.
        error_code: ``0``, ``Error: Exit code N`` or ``-1``.
        action: the call.
        num_lines: of a command's output, how many are shown at each end.
    """

    def __init__(self, bash_output: str, error_code: str | int, action: Action, num_lines: int = 40) -> None:
        self.bash_output = bash_output
        self.error_code = error_code
        self.action = action
        self.num_lines = num_lines

    def __str__(self) -> str:
        name = self.action.function_name
        if name != _COMMAND:
            result = ToolResult(output=self.bash_output or "", done=name in _LAST)
            return render_observation(self.action.call, result)
        text = str(self.error_code).removeprefix("Error: Exit code ")
        code = int(text) if text.removeprefix("-").isdecimal() else 1
        result = ToolResult(output=self.bash_output or "", exit_code=code)
        return render_observation(self.action.call, result, lines=self.num_lines)
