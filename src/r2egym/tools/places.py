"""Where a path leads in a sandbox, asked before a file is read or written.

The contract of sandboxes reads and writes files, but tells neither their kind nor their mode, and the host may be allowed
to write what a process inside may not. So one short script of shell built-ins asks from inside (``stat``, where there is
one, adds mode and size). Limits: the answer is of a moment ago; a sandbox that runs no scripts tells nothing, and then
reading the file has to tell.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from typing import Literal

from r2egym.errors import SandboxFileError
from r2egym.records import Record
from r2egym.tools.base import BadCallError, Workplace
from r2egym.tools.text import short

HUGE = 10 << 20
"""Bytes of a file above which it is not read as a whole."""
_LONGEST = 4_000
_SECONDS = 30.0
_ASK = """\
d=$p; while [ ! -e "$d" ] && [ "$d" != / ]; do d=${d%/*}; d=${d:-/}; done
if [ -d "$p" ]; then k=folder; elif [ -f "$p" ]; then k=file; elif [ -e "$p" ]; then k=other; else k=missing; fi
w=no; [ -w "$d" ] && w=yes; f=no; [ -d "$d" ] && f=yes
s=$(stat -Lc '%a %s' -- "$p" 2>/dev/null) || { s='644 -1'; [ -x "$p" ] && s='755 -1'; }
printf 'place %s %s %s %s\\n' "$k" "$w" "$f" "$s"
"""
_TOLD = re.compile(
    r"place (?P<kind>file|folder|other|missing) (?P<writable>yes|no) (?P<folder>yes|no) "
    r"(?P<mode>[0-7]{1,4}) (?P<size>-1|\d{1,18})\n"
)
_NO_SHELL = 127


class Place(Record):
    """What is at a path."""

    path: str
    """Absolute."""
    kind: Literal["file", "folder", "other", "missing", "unknown"]
    """Links are followed; unknown: the sandbox does not tell."""
    writable: bool = True
    """Itself, or where it is missing the nearest folder above it."""
    below_folder: bool = True
    """Of what is missing: whether what is there above it is a folder."""
    mode: int = 0o644
    size: int = -1
    """Bytes; -1: not known."""


def absolute(workplace: Workplace, path: str) -> str:
    """The path from the root, without ``.``; ``..`` stays, since links may stand before it. Raises BadCallError."""
    if not path.strip():
        raise BadCallError("path is empty; give the path of a file or folder.")
    if "\0" in path:
        raise BadCallError("path holds a NUL character, which no path can.")
    if len(path.encode()) > _LONGEST:
        raise BadCallError(f"path has {len(path.encode()):,} bytes; no path has more than {_LONGEST:,}.")
    if path == "~" or path.startswith("~/"):
        raise BadCallError(
            f"{short(path)}: ~ stands for a home folder in a shell only; give the absolute path."
        )
    joined = posixpath.join("/", workplace.cwd, path)
    return "/" + "/".join(part for part in joined.split("/") if part not in {"", "."})


def look(workplace: Workplace, path: str) -> Place:
    """What is at a path, relative ones taken from the workplace's folder."""
    place = absolute(workplace, path)
    result = workplace.sandbox.exec(f"p={shlex.quote(place)}\n{_ASK}", timeout=_SECONDS, cwd="/")
    if result.exit_code == _NO_SHELL:
        return Place(path=place, kind="unknown")
    told = _TOLD.fullmatch(result.stdout)
    if told is None:
        raise BadCallError(
            f"The sandbox does not tell what is at {place}; nothing was done. {result.stderr}".rstrip()
        )
    return Place.model_validate(
        {
            "path": place,
            "kind": told["kind"],
            "writable": told["writable"] == "yes",
            "below_folder": told["folder"] == "yes",
            "mode": int(told["mode"], 8),
            "size": int(told["size"]),
        }
    )


def read(workplace: Workplace, place: Place) -> bytes:
    """The content of a file of moderate size. Raises BadCallError with what is there instead."""
    if place.kind == "folder":
        raise BadCallError(f"{place.path} is a folder, not a file; use command view to see what is in it.")
    if place.kind == "other":
        raise BadCallError(f"{place.path} is not a regular file but a device, a pipe or a socket.")
    if place.kind == "missing":
        raise BadCallError(f"There is no file {place.path}.")
    if place.size > HUGE:
        raise BadCallError(
            f"{place.path} has {place.size:,} bytes, too many for the editor. View it by view_range, "
            "or use a command such as grep or sed."
        )
    try:
        return workplace.sandbox.read_file(place.path, limit=HUGE)
    except SandboxFileError as error:
        raise BadCallError(f"{error}.") from error


def write(workplace: Workplace, place: Place, data: bytes) -> None:
    """Write a file and keep its mode. Raises BadCallError when the agent may not."""
    if place.kind == "missing" and not place.below_folder:
        raise BadCallError(
            f"{place.path} cannot be made: one of the names before the last is a file, not a folder."
        )
    if not place.writable:
        what = "the folder it would be in" if place.kind == "missing" else "it"
        raise BadCallError(f"{place.path} was not written: {what} is read-only.")
    try:
        workplace.sandbox.write_file(place.path, data, mode=place.mode)
    except SandboxFileError as error:
        raise BadCallError(f"{error}.") from error


def size_of(data: bytes) -> str:
    """A number of bytes for people."""
    return f"{len(data):,} bytes"
