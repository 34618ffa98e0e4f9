"""Search for a fixed text: the lines of one file, or the files of a folder with how many lines each has.

The box's own ``grep`` and ``find`` look, since the host could read a large tree only file by file. Limits: one line at a
time; hidden files, binary files and links inside a folder are passed over; names that hold a newline are shown apart.
"""

from __future__ import annotations

import re
import shlex

from r2egym.records import ExecResult
from r2egym.tools.base import Arguments, BadCallError, Parameter, Tool, ToolResult, Workplace
from r2egym.tools.places import Place, look
from r2egym.tools.text import clip, short

MOST_FILES = 100
_WIDTH = 500
_LONGEST = 10_000
_BYTES = {"LC_ALL": "C"}  # in a UTF-8 locale grep takes a Latin-1 file for a binary one


def search(workplace: Workplace, arguments: Arguments) -> ToolResult:
    """Do what a checked call asks."""
    term = str(arguments["search_term"])
    _must_be_plain(term)
    place = look(workplace, str(arguments.get("path", ".")))
    if place.kind == "missing":
        raise BadCallError(f"There is no file or folder {place.path}.")
    if place.kind == "other":
        raise BadCallError(f"{place.path} is a device, a pipe or a socket; it cannot be searched.")
    if place.kind == "folder":
        return ToolResult(output=_in_folder(workplace, term, place))
    return ToolResult(output=_in_file(workplace, term, place))


SEARCH = Tool(
    "search",
    "Looks for a fixed text, upper and lower case told apart. In a file it shows the lines that hold it, with their numbers; in a folder the "
    f"files that hold it, each with its number of such lines. More than {MOST_FILES} files are not listed. Hidden and binary files are "
    "passed over.",
    (
        Parameter(
            "search_term",
            "string",
            "The text, within one line; no pattern.",
            required=True,
            aliases=("term", "query", "pattern", "text", "search"),
        ),
        Parameter(
            "path",
            "string",
            "A file or folder; left out: the folder in which you work.",
            aliases=("dir", "directory", "folder", "file", "file_path"),
        ),
    ),
    search,
    aliases=("grep", "find", "search_dir", "search_file", "search_tool"),
)


def _must_be_plain(term: str) -> None:
    if not term:
        raise BadCallError("search_term is empty; give a text to look for.")
    if "\n" in term or "\r" in term:
        raise BadCallError("search_term has several lines; search looks at one line at a time, so give one.")
    if "\0" in term:
        raise BadCallError("search_term holds a NUL character; files that do are binary, and passed over.")
    if len(term) > _LONGEST:
        raise BadCallError(f"search_term has {len(term):,} characters; give a few words of it.")


def _in_file(workplace: Workplace, term: str, place: Place) -> str:
    command = ["grep", "-nIF", "-e", term, "--", place.path]
    result = workplace.sandbox.exec(command, timeout=workplace.timeout, env=_BYTES, cwd="/")
    _must_have_searched(result, place)
    if not result.stdout:
        return f"{short(term)} is not in {place.path} (a binary file is not searched)."
    lines = [_cut(line.removesuffix("\r")) for line in result.stdout.removesuffix("\n").split("\n")]
    return clip(f"{short(term)} in {place.path}:\n" + "\n".join(lines))


def _cut(line: str) -> str:
    return line if len(line) <= _WIDTH else f"{line[:_WIDTH]} [… {len(line) - _WIDTH:,} characters left out]"


def _in_folder(workplace: Workplace, term: str, place: Place) -> str:
    script = (
        f"find {shlex.quote(place.path.rstrip('/') + '/')} -mindepth 1 -name '.*' -prune -o -type f "
        f"-exec grep -cHIF -e {shlex.quote(term)} -- {{}} + | grep -av ':0$'"
    )
    result = workplace.sandbox.exec(script, timeout=workplace.timeout, env=_BYTES, cwd="/")
    _must_have_searched(result, place)
    found = sorted(map(_counted, re.findall(r"(?m)^.+:[0-9]+$", result.stdout)))
    if not found:
        return f"{short(term)} is in no file of {place.path} (hidden and binary files are not searched)."
    if len(found) > MOST_FILES or result.truncated:
        raise BadCallError(
            f"{short(term)} is in {len(found):,} files of {place.path}, too many to list. Narrow the search: a longer "
            "text, or a folder further down."
        )
    lines = [f"{name} ({_count(count, 'line')})" for name, count in found]
    return clip(f"{short(term)} in {place.path}, {_count(len(found), 'file')}:\n" + "\n".join(lines))


def _counted(line: str) -> tuple[str, int]:
    name, _, count = line.rpartition(":")
    return name, int(count)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _must_have_searched(result: ExecResult, place: Place) -> None:
    if result.timed_out:
        raise BadCallError(
            f"The search of {place.path} took too long and was ended. Search a smaller folder."
        )
    if result.exit_code > 1 and not result.stdout:
        raise BadCallError(f"{place.path} could not be searched: {result.stderr.strip() or 'grep failed'}")
