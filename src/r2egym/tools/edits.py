"""Edits as functions from bytes to bytes: what is not touched stays as it is, whatever encoding it has.

Matching UTF-8 in bytes is exact, because no character's bytes stand inside another's. Line ends are the one thing that is
adapted: where every line of a file ends in CRLF, what a model writes with LF gets CRLF, and the outcome says so.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from r2egym.tools.base import BadCallError
from r2egym.tools.text import REPLACEMENT, short, shown

BOM = b"\xef\xbb\xbf"
_PLACES = 20
_HINT_LINES = 20_000
_HINT_WIDTH = 200
_HINT_TRIES = 20  # a full comparison of two lines can take many milliseconds
_ALIKE = 0.6


@dataclass(frozen=True)
class Edited:
    """What an edit makes of a file."""

    data: bytes
    first: int
    """First line that is new, from 1; where nothing is, the line where something was."""
    lines: int
    """How many are new."""
    notes: tuple[str, ...] = ()
    """What was adapted, one sentence each."""


def lines_of(data: bytes) -> list[bytes]:
    """The lines without their newlines; a last one that has none counts too."""
    return data.removesuffix(b"\n").split(b"\n") if data else []


def has_crlf(data: bytes) -> bool:
    """Whether there are line ends, and all of them are CRLF."""
    ends = data.count(b"\n")
    return ends > 0 and data.count(b"\r\n") == ends


def with_crlf(data: bytes) -> bytes:
    """Every line end as CRLF."""
    return data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def replace(data: bytes, old: bytes, new: bytes, path: str) -> Edited:
    """``new`` in the place of ``old``, which has to be there once. Raises BadCallError."""
    if not old:
        raise BadCallError("old_str is empty: it has to be text that stands in the file once.")
    notes: tuple[str, ...] = ()
    found = _all(data, old)
    if has_crlf(data) or (not found and b"\r\n" in data):
        adapted = with_crlf(old), with_crlf(new)
        if adapted != (old, new) and (crlf := _all(data, adapted[0])):
            found, (old, new) = crlf, adapted
            notes = ("The file has CRLF line ends; old_str and new_str were given them too.",)
    if not found:
        raise BadCallError(f"Nothing was replaced: old_str is not in {path}. {_hint(data, old)}".rstrip())
    if len(found) > 1:
        numbers = [str(data.count(b"\n", 0, at) + 1) for at in found[:_PLACES]]
        more = " …" if len(found) > _PLACES else ""
        raise BadCallError(
            f"Nothing was replaced: old_str is in {path} {len(found)} times, on lines {', '.join(numbers)}{more}. "
            "Add lines around it to old_str until it is there once."
        )
    if old == new:
        raise BadCallError("Nothing was replaced: old_str and new_str are the same.")
    at = found[0]
    made = data[:at] + new + data[at + len(old) :]
    return Edited(made, data.count(b"\n", 0, at) + 1, new.count(b"\n") + 1, notes)


def _all(data: bytes, part: bytes) -> list[int]:
    """Every place of ``part``, overlapping ones included."""
    found = []
    at = data.find(part)
    while at >= 0:
        found.append(at)
        at = data.find(part, at + 1)
    return found


def _hint(data: bytes, old: bytes) -> str:
    """What of the file comes near to ``old``."""
    if REPLACEMENT.encode() in old:
        return f"{REPLACEMENT} stands for bytes that are not UTF-8; it matches none. Choose lines without it."
    wanted = next((line for line in shown(old).split("\n") if line.strip()), "").rstrip("\r")
    lines = [shown(line).rstrip("\r")[:_HINT_WIDTH] for line in lines_of(data)[:_HINT_LINES]]
    for number, line in enumerate(lines, 1):
        if wanted.strip() and line.strip() == wanted.strip():
            if line == wanted:
                return f"Its first line is line {number}; what follows there is different."
            return f"Line {number} differs in white space alone: {short(line)}."
    place = _closest(wanted[:_HINT_WIDTH].strip(), lines)
    return (
        f"The closest line to its first one is line {place}: {short(lines[place - 1], 200)}." if place else ""
    )


def _closest(wanted: str, lines: list[str]) -> int:
    """Number of the line most like ``wanted``, 0 when none is like it."""
    matcher = difflib.SequenceMatcher(autojunk=False)
    matcher.set_seq2(wanted)
    likely: list[tuple[float, int, str]] = []
    for line, number in {line.strip(): number for number, line in reversed([*enumerate(lines, 1)])}.items():
        matcher.set_seq1(line)
        if matcher.real_quick_ratio() > _ALIKE and (ratio := matcher.quick_ratio()) > _ALIKE:
            likely.append((-ratio, number, line))
    best, place = _ALIKE, 0
    for _, number, line in sorted(likely)[:_HINT_TRIES]:
        matcher.set_seq1(line)
        if (ratio := matcher.ratio()) > best:
            best, place = ratio, number
    return place


def insert(data: bytes, after: int, text: bytes, path: str) -> Edited:
    """``text`` as lines of their own after line ``after``, 0 for the top. Raises BadCallError.

    One newline at the text's end is its last line's. A file whose last line has no end keeps it so.
    """
    lines = lines_of(data)
    if not 0 <= after <= len(lines):
        raise BadCallError(
            f"Nothing was inserted: {path} has {len(lines)} lines, so insert_line is 0 to {len(lines)}, not {after}."
        )
    notes: tuple[str, ...] = ()
    end = b"\n"
    body = text.removesuffix(b"\n")
    if has_crlf(data):
        end = b"\r\n"
        body = with_crlf(body.removesuffix(b"\r"))
        notes = ("The file has CRLF line ends; the new lines were given them too.",)
    mark = BOM if data.startswith(BOM) else b""
    at = len(mark) if not after else min(len(data), sum(len(line) + 1 for line in lines[:after]))
    open_end = bool(data) and at == len(data) and not data.endswith(b"\n") and at > len(mark)
    made = end + body if open_end else body + end
    return Edited(data[:at] + made + data[at:], after + 1, body.count(b"\n") + 1, notes)
