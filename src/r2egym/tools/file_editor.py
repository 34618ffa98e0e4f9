"""The editor: looks at files and folders, makes files, and edits them byte for byte.

It works on the host's side: files are read and written through the sandbox's contract, so nothing inside has to be able to
edit, and no shell quotes anything. What an edit does not touch stays: encoding, BOM, line ends, the end of the last line,
the file's mode; links are followed. Limits: an edit reads and writes the whole file, up to 10 MB; a process that writes
the same file meanwhile is not kept out; ``undo_edit`` knows a file by its path and takes a made file away again, but not
the folders made for it.
"""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from r2egym.tools import views
from r2egym.tools.base import Arguments, BadCallError, Parameter, Tool, ToolResult, Workplace
from r2egym.tools.edits import Edited, insert, lines_of, replace
from r2egym.tools.places import Place, look, read, size_of, write
from r2egym.tools.python import syntax_error

_SECONDS = 30.0

COMMAND = Parameter(
    "command",
    "string",
    "What to do.",
    required=True,
    choices=("view", "create", "str_replace", "insert", "undo_edit"),
    aliases=("action", "cmd"),
)
PATH = Parameter(
    "path",
    "string",
    "The file, or for view also a folder; best from the root, as in /testbed/setup.py.",
    required=True,
    aliases=("file_path", "file", "filename", "filepath"),
)
FILE_TEXT = Parameter(
    "file_text", "string", "For create: all that the new file holds.", aliases=("content", "text")
)
OLD_STR = Parameter(
    "old_str",
    "string",
    "For str_replace: the text to replace, exactly as in the file, white space included, and without line numbers.",
    aliases=("old_string", "old_text", "old"),
)
NEW_STR = Parameter(
    "new_str",
    "string",
    "For str_replace: what takes its place (left out: nothing does). For insert: the lines to put in.",
    aliases=("new_string", "new_text", "new"),
)
INSERT_LINE = Parameter(
    "insert_line",
    "integer",
    "For insert: the number of the line after which to put new_str; 0 is the top of the file.",
    aliases=("line", "line_number"),
)
VIEW_RANGE = Parameter(
    "view_range",
    "array",
    "For view of a file: first and last line, as in [10, 40]; -1 as the last is the end of the file.",
    aliases=("range", "lines"),
)
CONCISE = Parameter(
    "concise",
    "boolean",
    "For view of a Python file: leave out the bodies of functions. Files of more than 110 lines are shown so "
    "unless this is False or there is a view_range.",
)
ENABLE_LINTING = Parameter(
    "enable_linting", "boolean", "For edits of a Python file: tell whether its syntax is right afterwards."
)
DESCRIPTION = """\
Looks at files and folders, and edits files.
- view shows a file with line numbers, or a folder two levels deep without hidden files. Long output is cut; view_range shows a part.
- create makes a file that does not exist yet, and the folders for it.
- str_replace replaces old_str, which must be in the file exactly once, by new_str. Take enough lines to make it unique.
- insert puts new_str in after a line.
- undo_edit takes back the last edit of this file by this tool."""


def edit(workplace: Workplace, arguments: Arguments) -> ToolResult:
    """Do what a checked call asks."""
    command, path = str(arguments["command"]), str(arguments["path"])
    place = look(workplace, path)
    output = _COMMANDS[command](_Job(workplace, place, arguments))
    return ToolResult(output=output)


FILE_EDITOR = Tool(
    "file_editor",
    DESCRIPTION,
    (
        COMMAND, PATH, FILE_TEXT, OLD_STR, NEW_STR, INSERT_LINE, VIEW_RANGE, CONCISE, ENABLE_LINTING,
    ),
    edit,
    aliases=("editor", "edit", "str_replace_editor", "str_replace_based_edit_tool", "edit_file", "file_edit"),
)  # fmt: skip


@dataclass(frozen=True)
class _Job:
    """One call of the editor."""

    workplace: Workplace
    place: Place
    arguments: Arguments

    @property
    def key(self) -> str:
        """What the file is called in the editor's memory."""
        return posixpath.normpath(self.place.path)

    def text(self, name: str) -> bytes:
        """A parameter that this command needs."""
        value = self.arguments.get(name)
        if value is None:
            raise BadCallError(f"Nothing was done: {self.arguments['command']} needs {name}.")
        return str(value).encode()

    def keep(self, before: bytes | None, after: bytes) -> None:
        """Write the file, and remember how it was."""
        write(self.workplace, self.place, after)
        self.workplace.memory.remember(self.key, before, _digest(after), self.place.mode)

    def linted(self, data: bytes) -> str:
        """What there is to say of the syntax, when that was asked for."""
        if not self.arguments.get("enable_linting") or not self.place.path.endswith(".py"):
            return ""
        line = syntax_error(data)
        return (
            f"\nPython cannot read the file: syntax error near line {line}."
            if line
            else "\nIts syntax is right."
        )


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _view(job: _Job) -> str:
    if job.place.kind == "folder":
        return views.view_folder(job.workplace, job.place)
    wanted, concise = job.arguments.get("view_range"), job.arguments.get("concise")
    lines = [each for each in wanted if isinstance(each, int)] if isinstance(wanted, list) else None
    flag = concise if isinstance(concise, bool) else None
    return views.view_file(job.workplace, job.place, lines, concise=flag)


def _create(job: _Job) -> str:
    data = job.text("file_text")
    if job.place.kind == "unknown" and _can_be_read(job):
        raise BadCallError(f"Nothing was written: {job.place.path} is there already. {_TO_CHANGE}")
    if job.place.kind not in {"missing", "unknown"}:
        what = {"folder": "is a folder", "other": "is a device, a pipe or a socket"}
        found = what.get(job.place.kind, "is there already")
        hint = f" {_TO_CHANGE}" if job.place.kind == "file" else ""
        raise BadCallError(f"Nothing was written: {job.place.path} {found}.{hint}")
    job.keep(None, data)
    count = len(lines_of(data))
    return f"Made {job.place.path}: {count} lines, {size_of(data)}.{job.linted(data)}"


_TO_CHANGE = "Change it by str_replace or insert."


def _can_be_read(job: _Job) -> bool:
    try:
        read(job.workplace, job.place)
    except BadCallError:
        return False
    return True


def _str_replace(job: _Job) -> str:
    old = job.text("old_str")
    before = read(job.workplace, job.place)
    new = str(job.arguments.get("new_str", "")).encode()
    return _edited(job, before, replace(before, old, new, job.place.path))


def _insert(job: _Job) -> str:
    text = job.text("new_str")
    after = job.arguments.get("insert_line")
    if not isinstance(after, int):
        raise BadCallError("Nothing was done: insert needs insert_line, the number of a line.")
    before = read(job.workplace, job.place)
    return _edited(job, before, insert(before, after, text, job.place.path))


def _edited(job: _Job, before: bytes, made: Edited) -> str:
    job.keep(before, made.data)
    notes = "".join(f"\n{note}" for note in made.notes)
    shown = views.around(made.data, made.first, made.lines)
    return f"Edited {job.place.path}.{notes}{job.linted(made.data)} It reads there now:\n{shown}"


def _undo_edit(job: _Job) -> str:
    edit = job.workplace.memory.last(job.key)
    if edit is None:
        raise BadCallError(f"There is no edit of {job.place.path} to take back.")
    try:
        changed = _digest(read(job.workplace, job.place)) != edit.after
    except BadCallError:
        changed = True
    before = edit.content
    if before is None:
        _remove(job)
    else:
        write(job.workplace, job.place.model_copy(update={"mode": edit.mode}), before)
    job.workplace.memory.drop(edit)
    note = " What something else had changed in it since that edit is gone too." if changed else ""
    if before is None:
        return f"Took back that {job.place.path} was made: it is gone.{note}"
    return (
        f"Took back the last edit of {job.place.path}.{note} It begins so now:\n{views.around(before, 1, 8)}"
    )


def _remove(job: _Job) -> None:
    result = job.workplace.sandbox.exec(["rm", "-f", job.place.path], timeout=_SECONDS, cwd="/")
    if result.exit_code:
        raise BadCallError(f"{job.place.path} cannot be removed: {result.stderr.strip()}")


_COMMANDS: Mapping[str, Callable[[_Job], str]] = {
    "view": _view,
    "create": _create,
    "str_replace": _str_replace,
    "insert": _insert,
    "undo_edit": _undo_edit,
}
