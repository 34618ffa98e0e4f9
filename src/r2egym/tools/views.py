"""What the editor shows: files with numbered lines, long Python files condensed, folders two levels deep.

What is shown is for reading and never written back: bytes that are no UTF-8 are shown as U+FFFD, a BOM and the CR of a
CRLF are left out, and a line above the files says so.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator

from r2egym.tools.base import BadCallError, Workplace
from r2egym.tools.edits import BOM, has_crlf, lines_of
from r2egym.tools.places import HUGE, Place, read, size_of
from r2egym.tools.python import bodies
from r2egym.tools.text import CLIP, clip, shown

LONG_PYTHON = 110
"""Lines of a Python file above which it is shown condensed."""
_AROUND = 4
_SNIFF = 8_192
_HUGE_LINES = 2_000
_SECONDS = 30.0
_Range = tuple[int, int]


def is_binary(data: bytes) -> bool:
    """Whether it is no text: there is a NUL near its beginning, as git has it."""
    return b"\0" in data[:_SNIFF]


def view_file(workplace: Workplace, place: Place, wanted: list[int] | None, *, concise: bool | None) -> str:
    """A file, or some lines of it. Raises BadCallError."""
    if place.size > HUGE and wanted:
        return _view_huge(workplace, place, wanted)
    data = read(workplace, place)
    if is_binary(data):
        raise BadCallError(f"{place.path} is a binary file of {size_of(data)}; it is not shown.")
    lines = [shown(line) for line in lines_of(data.removeprefix(BOM))]
    if not lines:
        return f"{place.path} is empty."
    first, last = _range(wanted, len(lines), place.path) if wanted else (1, len(lines))
    left_out: list[_Range] = []
    if not wanted and place.path.endswith(".py") and (concise or (concise is None and last > LONG_PYTHON)):
        left_out = bodies(data.removeprefix(BOM))
    head = f"{place.path}, {len(lines)} lines{_remarks(data)}"
    head += f", {first} to {last} of them:" if wanted else ":"
    if left_out:
        head += "\n(condensed: bodies of functions are left out; view_range shows them)"
    return head + "\n" + numbered(lines, first, last, left_out)


def _remarks(data: bytes) -> str:
    """What a file's text does not show."""
    found = []
    if data.startswith(BOM):
        found.append("begins with a BOM")
    if has_crlf(data):
        found.append("CRLF line ends")
    if not _is_utf8(data):
        found.append("holds bytes that are not UTF-8, shown as \ufffd")
    if not data.endswith(b"\n"):
        found.append("no newline at the end")
    return "".join(f", {each}" for each in found)


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _range(wanted: list[int], count: int, path: str) -> _Range:
    if len(wanted) != 2:  # noqa: PLR2004 - first and last
        raise BadCallError("view_range has to be two line numbers, [first, last]; -1 as the last is the end.")
    first, last = wanted
    if first < 1 or (last != -1 and last < first):
        raise BadCallError(
            f"view_range [{first}, {last}] is none: the first line is 1 or more, and the last is no "
            "smaller, or -1 for the end."
        )
    if first > count:
        raise BadCallError(f"{path} has {count} lines, so view_range cannot begin at {first}.")
    return first, count if last == -1 else min(last, count)


def numbered(lines: list[str], first: int, last: int, left_out: list[_Range] | None = None) -> str:
    """Lines ``first`` to ``last`` of a file with their numbers; clipped at a whole line where that is possible."""
    return _joined(_pieces(lines, first, last, left_out or []), last)


def _joined(pieces: Iterable[tuple[int, str]], last: int) -> str:
    made: list[str] = []
    size = 0
    for number, text in pieces:
        line = f"{number:6d} {text}"
        size += len(line) + 1
        if size > CLIP:
            if not made:
                return clip(line)
            made.append(f"[… lines {number} to {last} left out; view_range shows them]")
            break
        made.append(line)
    return "\n".join(made)


def _pieces(lines: list[str], first: int, last: int, left_out: list[_Range]) -> Iterator[tuple[int, str]]:
    """Numbers and texts, one mark in the place of each part that is left out."""
    skip = {start: end for start, end in left_out if end <= len(lines)}
    number = first
    while number <= last:
        text = lines[number - 1].removesuffix("\r")
        if number in skip:
            indent = text[: len(text) - len(text.lstrip())]
            yield number, f"{indent}[… lines {number} to {skip[number]} left out]"
            number = skip[number]
        else:
            yield number, text
        number += 1


def around(data: bytes, first: int, count: int) -> str:
    """The lines of an edit and a few before and after them."""
    if is_binary(data):
        return "(a binary file, not shown)"
    lines = [shown(line) for line in lines_of(data.removeprefix(BOM))]
    if not lines:
        return "(the file is empty now)"
    return numbered(lines, max(1, first - _AROUND), min(len(lines), first + count - 1 + _AROUND))


def _view_huge(workplace: Workplace, place: Place, wanted: list[int]) -> str:
    """Some lines of a file that is too large to be read as a whole; programs of the sandbox find them."""
    first, last = _range(wanted, 1 << 60, place.path)
    count = min(last - first + 1, _HUGE_LINES)
    script = f"tail -n +{first} -- {shlex.quote(place.path)} | head -n {count} | head -c {4 * CLIP}"
    result = workplace.sandbox.exec(script, timeout=_SECONDS, cwd="/")
    if result.timed_out or result.exit_code:
        raise BadCallError(f"{place.path} has {place.size:,} bytes and could not be shown: {result.stderr}")
    if "\0" in result.stdout:
        raise BadCallError(f"{place.path} is a binary file of {place.size:,} bytes; it is not shown.")
    if not result.stdout:
        raise BadCallError(f"{place.path} has fewer than {first} lines.")
    lines = enumerate(result.stdout.removesuffix("\n").replace("\r\n", "\n").split("\n"), first)
    return f"{place.path}, {place.size:,} bytes, from line {first}:\n{_joined(lines, last)}"


# --- folders ----------------------------------------------------------------------------------------------------

_LIST = """\
shopt -s nullglob; shopt -u dotglob failglob; set +f; unset GLOBIGNORE
say() { e=; [ -d "$1" ] && e=/; [ -L "$1" ] && e="$e -> $(readlink -- "$1")"; printf '%s%s\\0' "$1" "$e"; }
cd -- "$p" || exit 1
for f in *; do say "$f"; if [ -d "$f" ] && [ ! -L "$f" ]; then for g in "$f"/*; do say "$g"; done; fi; done
"""


def view_folder(workplace: Workplace, place: Place) -> str:
    """A folder, two levels deep, hidden files left out. Raises BadCallError."""
    script = f"p={shlex.quote(place.path)}\n{_LIST}"
    result = workplace.sandbox.exec(script, timeout=_SECONDS, cwd="/")
    if result.exit_code:
        raise BadCallError(f"{place.path} is a folder that cannot be read: {result.stderr.strip()}")
    names = sorted(name.replace("\n", "\\n") for name in result.stdout.split("\0") if name)
    if not names:
        return f"{place.path} is a folder with nothing in it but, perhaps, hidden files."
    head = f"{place.path}, two levels deep, hidden files left out:"
    return clip("\n".join([head, *names]))
