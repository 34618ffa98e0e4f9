"""The same editor under the name and with the parameters that other agents were trained with."""

from __future__ import annotations

from r2egym.tools.base import Tool
from r2egym.tools.file_editor import (
    COMMAND,
    DESCRIPTION,
    FILE_TEXT,
    INSERT_LINE,
    NEW_STR,
    OLD_STR,
    PATH,
    VIEW_RANGE,
    edit,
)

STR_REPLACE_EDITOR = Tool(
    "str_replace_editor",
    DESCRIPTION,
    (COMMAND, PATH, FILE_TEXT, OLD_STR, NEW_STR, INSERT_LINE, VIEW_RANGE),
    edit,
    aliases=("editor", "edit", "file_editor", "str_replace_based_edit_tool", "edit_file", "file_edit"),
)
