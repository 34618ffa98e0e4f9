"""Function-calling schemas of the tools, under their published names.

The files beside this one stand for the tools in an agent's ``command_files``; there is nothing to import from them.
"""

from __future__ import annotations

from r2egym.tools import R2EGYM, SWEAGENT

file_editor = R2EGYM["file_editor"].schema()
search_tool = R2EGYM["search"].schema()
bash_execute_tool = R2EGYM["execute_bash"].schema()
finish_tool = R2EGYM["finish"].schema()
str_replace_editor_tool = SWEAGENT["str_replace_editor"].schema()
submit_tool = SWEAGENT["submit"].schema()

__all__ = [
    "bash_execute_tool",
    "file_editor",
    "finish_tool",
    "search_tool",
    "str_replace_editor_tool",
    "submit_tool",
]
