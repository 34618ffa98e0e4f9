"""What an agent works with: an editor, a search, a shell, and a way to say that it is ready.

A tool is defined once (:class:`Tool`); its function-calling schema, its lines in an XML prompt and the text of its calls come
from that. All run on the host's side over the sandbox contract.
"""

from r2egym.tools.base import Arguments, BadCallError, Parameter, Tool, ToolResult, Workplace
from r2egym.tools.execute_bash import EXECUTE_BASH
from r2egym.tools.file_editor import FILE_EDITOR
from r2egym.tools.finish import FINISH
from r2egym.tools.memory import Memory
from r2egym.tools.observation import render as render_observation
from r2egym.tools.search import SEARCH
from r2egym.tools.str_replace_editor import STR_REPLACE_EDITOR
from r2egym.tools.submit import SUBMIT
from r2egym.tools.toolset import Toolset
from r2egym.tools.xml import Parsed, parse, render

__all__ = [
    "EXECUTE_BASH",
    "FINISH",
    "R2EGYM",
    "SEARCH",
    "SWEAGENT",
    "TESTING",
    "Arguments",
    "BadCallError",
    "Memory",
    "Parameter",
    "Parsed",
    "Tool",
    "ToolResult",
    "Toolset",
    "Workplace",
    "parse",
    "render",
    "render_observation",
]

R2EGYM = Toolset((FILE_EDITOR, SEARCH, EXECUTE_BASH, FINISH))
"""The tools of the editing agents."""
SWEAGENT = Toolset((STR_REPLACE_EDITOR, EXECUTE_BASH, SUBMIT))
"""The tools that agents of the other tradition know."""
TESTING = R2EGYM
"""The tools of the agents that write tests: the same ones."""
