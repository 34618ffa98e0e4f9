"""Applying git's own patches to files held in memory, so that a history can be kept as the text git prints.

Only what a trusted text of ours needs: every hunk must fit exactly where it says. It is no parser for patches of
unknown origin (that is :mod:`r2egym.mining`), and it is independent of it on purpose: the demo's repository is what
mining is tested with.
"""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

GITLINK = "160000"
"""Mode of a submodule's entry."""

_HEADER = re.compile(r"diff --git (?P<old>\"a/.*\"|a/.*?) (?P<new>\"b/.*\"|b/.*)")
_HUNK = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@.*")
_ESCAPE = re.compile(rb"\\([0-7]{3}|.)")
_NO_NEWLINE = "\\ No newline at end of file"


@dataclass(frozen=True, slots=True)
class File:
    """One entry of a tree: six octal digits and the content (of a submodule: ``Subproject commit HASH``)."""

    mode: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Change:
    """What a patch does to one path: ``file`` is what stands there afterwards, None when it is gone."""

    path: str
    file: File | None


class PatchError(ValueError):
    """The text is no patch of git's, or it does not fit the files that it is applied to."""


class _Lines:
    """The lines of a text, read from the front."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines
        self._position = 0

    def peek(self) -> str | None:
        """The next line; None at the end."""
        return self._lines[self._position] if self._position < len(self._lines) else None

    def take(self) -> str:
        """The next line, consumed."""
        line = self.peek()
        if line is None:
            raise PatchError("the patch ends in the middle of a file")
        self._position += 1
        return line


def apply(lines: list[str], tree: dict[str, File]) -> Iterator[Change]:
    """Apply a patch that may touch many files.

    Args:
        lines: the patch's lines without their line feeds, from the first ``diff --git`` on.
        tree: path → file before the patch; read, never written.

    Raises:
        PatchError: a hunk does not fit, or a line is not understood.
    """
    source = _Lines(lines)
    while source.peek() is not None:
        line = source.take()
        if match := _HEADER.fullmatch(line):
            yield from _file(source, tree, _path(match["old"]), _path(match["new"]))
        elif line:
            raise PatchError(f"not the start of a file's patch: {line!r}")


def _path(name: str) -> str:
    """A path from a header: its ``a/`` or ``b/`` dropped, git's quoting undone."""
    raw = name.encode()
    if name.startswith('"'):
        raw = _ESCAPE.sub(_unescape, raw[1:-1])
    return raw.decode()[2:]


def _unescape(match: re.Match[bytes]) -> bytes:
    escape = match[1]
    return bytes([int(escape, 8)]) if len(escape) == 3 else escape  # noqa: PLR2004


def _file(source: _Lines, tree: dict[str, File], old: str, new: str) -> Iterator[Change]:
    """The part of a patch that is about one file."""
    before = tree.get(old)
    mode = before.mode if before else ""
    content = before.content if before else b""
    deleted = renamed = False
    while (line := source.peek()) is not None and line and not line.startswith("diff --git "):
        word, _, rest = line.partition(" ")
        if word == "@@":
            content = _text_hunks(source, content)
            continue
        source.take()
        if line == "GIT binary patch":
            content = _binary_hunk(source, content)
        elif word == "new":  # "new file mode M" or "new mode M"
            mode = rest.rpartition(" ")[2]
        elif word == "deleted":
            deleted = True
        elif word == "rename":
            renamed = True
        elif word not in {"old", "index", "similarity", "---", "+++"}:
            raise PatchError(f"{new}: not understood: {line!r}")
    if deleted or renamed:
        yield Change(old, None)
    if not deleted:
        yield Change(new, File(mode, content))


def _text_hunks(source: _Lines, content: bytes) -> bytes:
    """The content after all consecutive hunks of one file."""
    before = re.findall(r"[^\n]*\n|[^\n]+", content.decode())
    after: list[str] = []
    position = 0
    while (line := source.peek()) is not None and (match := _HUNK.fullmatch(line)):
        source.take()
        start, count = int(match[1]), int(match[2] or 1)
        start -= 1 if count else 0
        removed, added = _hunk(source, count, int(match[4] or 1))
        if before[start : start + count] != removed:
            raise PatchError(f"the hunk {line!r} does not fit")
        after += before[position:start] + added
        position = start + count
    return "".join(after + before[position:]).encode()


def _hunk(source: _Lines, old: int, new: int) -> tuple[list[str], list[str]]:
    """The lines that a hunk expects and those that it leaves, each with its line feed if it has one."""
    removed: list[str] = []
    added: list[str] = []
    touched: list[list[str]] = []
    while len(removed) < old or len(added) < new or source.peek() == _NO_NEWLINE:
        line = source.take()
        if line == _NO_NEWLINE:
            for side in touched:
                side[-1] = side[-1].removesuffix("\n")
            continue
        touched = {" ": [removed, added], "-": [removed], "+": [added]}.get(line[:1], [])
        if not touched:
            raise PatchError(f"not a line of a hunk: {line!r}")
        for side in touched:
            side.append(line[1:] + "\n")
    return removed, added


def _binary_hunk(source: _Lines, content: bytes) -> bytes:
    """The content after a ``GIT binary patch``; the reverse patch that follows is read over."""
    kind, size = source.take().split(" ")
    data = zlib.decompress(_base85(source))
    if source.peek():
        source.take()
        _base85(source)
    result = data if kind == "literal" else _delta(data, content)
    if kind == "literal" and len(result) != int(size):
        raise PatchError(f"a binary patch of {len(result)} bytes says that it has {size}")
    return result


def _base85(source: _Lines) -> bytes:
    """The block of base-85 lines that comes next, and the empty line behind it. A line starts with its length."""
    blocks: list[bytes] = []
    while line := source.take():
        length = ord(line[0]) - (64 if line[0].isupper() else 70)
        blocks.append(base64.b85decode(line[1:])[:length])
    return b"".join(blocks)


def _delta(delta: bytes, base: bytes) -> bytes:
    """Git's delta (``gitformat-pack``, "Deltified representation") applied to ``base``."""
    _, position = _varint(delta, 0)
    size, position = _varint(delta, position)
    result = bytearray()
    while position < len(delta):
        opcode = delta[position]
        position += 1
        if not opcode & 0x80:  # insert that many bytes of the delta
            result += delta[position : position + opcode]
            position += opcode
            continue
        numbers = [0] * 7  # offset in four bytes, size in three; a bit tells which of them are there
        for bit in range(7):
            if opcode & 1 << bit:
                numbers[bit] = delta[position]
                position += 1
        offset = int.from_bytes(bytes(numbers[:4]), "little")
        length = int.from_bytes(bytes(numbers[4:]), "little") or 0x10000
        result += base[offset : offset + length]
    if len(result) != size:
        raise PatchError(f"a delta made {len(result)} bytes instead of {size}")
    return bytes(result)


def _varint(data: bytes, position: int) -> tuple[int, int]:
    """A number in groups of seven bits, lowest first, and the position behind it."""
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return value, position
