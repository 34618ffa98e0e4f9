"""How an agent says that it is ready."""

from __future__ import annotations

from r2egym.tools.base import Arguments, Parameter, Tool, ToolResult, Workplace


def finish(_workplace: Workplace, arguments: Arguments) -> ToolResult:
    """End the attempt."""
    return ToolResult(output="", done=True, result=str(arguments.get("result", "")))


FINISH = Tool(
    "finish",
    "Ends the work. Call it once, when the task is done or you can do no more; nothing can be changed afterwards.",
    (
        Parameter("command", "string", "What to do with the work.", choices=("submit",), aliases=("action",)),
        Parameter(
            "result",
            "string",
            "What you found or did, in a few sentences.",
            aliases=("message", "output", "summary", "answer"),
        ),
    ),
    finish,
    aliases=("done", "complete", "end"),
)
