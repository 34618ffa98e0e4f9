"""What a model reads of a call's outcome.

Colour codes, carriage returns and what no JSON takes are removed; long output is cut in the middle, by lines for commands
and by characters for all. Limits: a terminal's cursor movements are removed, not acted out, so a progress bar shows all of
its states.
"""

from __future__ import annotations

import re

from r2egym.records import ToolCall
from r2egym.tools.base import ToolResult
from r2egym.tools.text import join_surrogates

FINISHED = "<<< Finished >>>"
NO_CALL = (
    "There was no call of a tool in your last answer, so nothing was done. Go on by calling one tool; when the task is "
    "done, call the one that ends it."
)
MOST_CHARACTERS = 100_000
_CODES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # colours, cursor
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"  # titles, links
    r"|\x1b[()#][0-9A-Z]|\x1b[=>78@-Z\\^_]"
    r"|[\r\0]"
)


def render(call: ToolCall | None, result: ToolResult | None, *, lines: int = 40) -> str:
    """The observation of a call, or of an answer without one.

    Args:
        call: as it was run.
        result: what came of it.
        lines: of a command's output, how many are shown at each end when there are more than both together.
    """
    if call is None or result is None:
        return NO_CALL
    if result.done:
        return FINISHED
    output = clean(result.output)
    if result.exit_code is None:
        return _cut(f"Execution output of [{call.name}]:\n{output}")
    shown = _ends(output, lines)
    return _cut(f"Exit code: {result.exit_code}\nExecution output of [{call.name}]:\n{shown}")


def clean(text: str) -> str:
    """The text without terminal codes, carriage returns, NULs and surrogates."""
    return join_surrogates(_CODES.sub("", text))[0]


def _ends(output: str, lines: int) -> str:
    """First and last lines, with a mark between them."""
    found = output.split("\n")
    count = len(found) - (not found[-1])
    if count <= 2 * lines:
        return output
    mark = f"--- {count - 2 * lines} of {count} lines left out ---"
    return "\n".join([*found[:lines], mark, *found[count - lines :]])


def _cut(text: str) -> str:
    if len(text) <= MOST_CHARACTERS:
        return text
    half = MOST_CHARACTERS // 2
    return f"{text[:half]}\n--- {len(text) - 2 * half:,} characters left out ---\n{text[-half:]}"
