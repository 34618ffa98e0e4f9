"""How an agent says that it is ready, where it was trained to do so without a word."""

from __future__ import annotations

from r2egym.tools.base import Tool
from r2egym.tools.finish import finish

SUBMIT = Tool(
    "submit",
    "Hands in the work as it is now and ends it. Call it once, when the task is done or you can do no more.",
    (),
    finish,
    aliases=("finish", "done", "complete"),
)
