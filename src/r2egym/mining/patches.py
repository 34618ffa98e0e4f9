"""A strict, bounded reader of git patches, made for hostile ones.

It takes what ``git diff`` prints and nothing looser: every part of a file's header must agree with every other part,
hunks must have exactly the lines they announce, and binary contents must unpack to exactly the size they declare.
What a patch says is read; whether it may touch a path (tests, control files, ``.git``) is the caller's judgement.

Limits: sizes are bounded by :data:`MAX_PATCH_BYTES`, :data:`MAX_FILES` and :data:`MAX_PATH_BYTES`; combined diffs
(``diff --cc``) and diffs without a ``diff --git`` line are refused; whether hunks fit their file is for ``git apply``.
"""

# Long because one grammar is read by one reader, and splitting it would scatter what must agree.

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from r2egym.errors import UsageError
from r2egym.mining.binary import check_binary_hunk
from r2egym.mining.paths import quote, take_quoted

MAX_PATCH_BYTES = 16 << 20
"""Largest patch that is read; also the most that one binary file in it may unpack to."""
MAX_FILES = 5_000
MAX_PATH_BYTES = 4_096

Kind = Literal["modified", "added", "deleted", "renamed", "copied"]

_MODES = frozenset({"100644", "100755", "120000", "160000"})
_MODE_HEADERS = ("old mode ", "new mode ", "new file mode ", "deleted file mode ")
_NAME_HEADERS = ("rename from ", "rename to ", "copy from ", "copy to ")
_INDEX = re.compile(r"index ([0-9a-f]{4,64})\.\.([0-9a-f]{4,64})(?: ([0-7]{6}))?")
_SIMILARITY = re.compile(r"(?:dis)?similarity index (?:100|[1-9]?[0-9])%")
_RANGE = r"(0|[1-9][0-9]{0,8})(?:,(0|[1-9][0-9]{0,8}))?"
_HUNK = re.compile(rf"@@ -{_RANGE} \+{_RANGE} @@(.*)", re.DOTALL)


_SHORTEST_NOTE = 10
"""``git apply`` takes shorter lines after a backslash for garbage."""


class PatchError(UsageError):
    """A patch that is not one. ``line`` counts from 1; 0 when it is about the whole."""

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(f"patch, line {line}: {message}" if line else f"patch: {message}")
        self.line = line


@dataclass(frozen=True, slots=True)
class Hunk:
    """One run of changed lines."""

    old_start: int
    old_length: int
    new_start: int
    new_length: int
    section: str
    """What follows the second ``@@``, its leading space included; empty when nothing does."""
    lines: tuple[str, ...]
    """Its lines with their first character (space, ``+``, ``-`` or a backslash) and without their newline."""
    header: str
    """The ``@@`` line itself."""


@dataclass(frozen=True, slots=True)
class FilePatch:
    """What a patch does to one file."""

    old_path: str | None
    """None when the file is added."""
    new_path: str | None
    """None when the file is deleted."""
    old_mode: str | None
    """Six octal digits; None when the patch does not say (then the mode stays as it is) or the file is added."""
    new_mode: str | None
    """Likewise; None for a deleted file."""
    is_binary: bool
    kind: Kind
    hunks: tuple[Hunk, ...]
    text: str
    """This file's part of the patch, ending in a newline; the parts joined are the whole."""
    header: tuple[str, ...] = ()
    """The lines before the first hunk or binary contents."""
    index: tuple[str, str] | None = None
    """Object ids (perhaps abbreviated) of both sides."""

    @property
    def path(self) -> str:
        """The path after the patch; for a deleted file, before it."""
        path = self.new_path if self.new_path is not None else self.old_path
        assert path is not None  # noqa: S101 - one side always has a name
        return path

    @property
    def paths(self) -> tuple[str, ...]:
        """Every path that the patch reads or writes for this file."""
        return tuple(dict.fromkeys(path for path in (self.old_path, self.new_path) if path is not None))


def parse_patch(text: str, *, max_bytes: int = MAX_PATCH_BYTES) -> tuple[FilePatch, ...]:
    """Read a patch as ``git diff`` prints it.

    Args:
        text: the patch; empty or blank text is no change. A missing last newline is forgiven.
        max_bytes: most bytes of it, and of any file in it that is binary.

    Raises:
        PatchError: it is too large, not UTF-8, truncated, inconsistent, or names a path outside the repository.
    """
    if len(text) > max_bytes:
        raise PatchError(f"it has more than {max_bytes} bytes")
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise PatchError("it is not valid UTF-8 text") from None
    if size > max_bytes:
        raise PatchError(f"it has more than {max_bytes} bytes")
    files = text.count("\ndiff --git ") + text.startswith("diff --git ")
    if files > MAX_FILES:
        raise PatchError(f"it touches more than {MAX_FILES} files")
    return read_patch(text, max_bytes=max_bytes)


def read_patch(text: str, *, max_bytes: int = 1 << 40) -> tuple[FilePatch, ...]:
    """:func:`parse_patch` for text of our own making: not bounded, and odd bytes may be surrogate escapes."""
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    position = 0
    files: list[FilePatch] = []
    while position < len(lines):
        if not lines[position].strip():
            position += 1  # empty lines around a patch are no harm, and paste leaves them
            continue
        reader = _FileReader(lines, position, max_bytes)
        files.append(reader.read())
        position = reader.position
    _check_targets(files)
    return tuple(files)


def _check_targets(files: list[FilePatch]) -> None:
    """No file may be written, or taken away, twice: the order of the parts would then decide what a patch means."""
    written: set[str] = set()
    removed: set[str] = set()
    for file in files:
        if file.new_path is not None:
            if file.new_path in written:
                raise PatchError(f"{quote(file.new_path)} is written twice")
            written.add(file.new_path)
        if file.old_path is not None and file.kind in {"deleted", "renamed"}:
            if file.old_path in removed:
                raise PatchError(f"{quote(file.old_path)} is removed twice")
            removed.add(file.old_path)


class _FileReader:
    """Reads one file's part, from its ``diff --git`` line to the next."""

    def __init__(self, lines: list[str], start: int, max_bytes: int) -> None:
        self.lines = lines
        self.start = start
        self.position = start
        self.max_bytes = max_bytes
        self.fields: dict[str, str] = {}
        self.names: dict[str, str | None] = {}
        self.index: tuple[str, str] | None = None

    def fail(self, message: str, line: int | None = None) -> PatchError:
        return PatchError(message, (self.position if line is None else line) + 1)

    def peek(self) -> str | None:
        return self.lines[self.position] if self.position < len(self.lines) else None

    def read(self) -> FilePatch:
        first = self.lines[self.position]
        if not first.startswith("diff --git "):
            raise self.fail("expected a line that starts with 'diff --git'")
        rest = first.removeprefix("diff --git ")
        if len(rest) > 10 * MAX_PATH_BYTES:
            raise self.fail("a 'diff --git' line that is too long")
        self.position += 1
        self.read_extended()
        self.read_names()
        header_end = self.position
        hunks = self.read_hunks() if "---" in self.names else ()
        is_binary = False if hunks else self.read_binary()
        after = self.peek()
        if after is not None and after.strip() and not after.startswith("diff --git "):
            raise self.fail("expected the next 'diff --git' line or the end")
        old, new, kind = self.settle(rest)
        old_mode, new_mode = self.modes(kind)
        self.check_substance(kind, hunks=bool(hunks), is_binary=is_binary)
        return FilePatch(
            old, new, old_mode, new_mode, is_binary, kind, hunks,
            "\n".join(self.lines[self.start : self.position]) + "\n",
            tuple(self.lines[self.start : header_end]), self.index,
        )  # fmt: skip

    # --- header ---

    def common_name(self, rest: str) -> str:
        """The name that both halves of a ``diff --git`` line have, when no other line tells it."""
        quoted = take_quoted(rest)
        if quoted is not None:
            second = take_quoted(quoted[1].removeprefix(" "))
            left, right = quoted[0], second[0] if second and not second[1] else ""
        else:
            middle = len(rest) // 2
            left, right = rest[:middle], rest[middle + 1 :] if rest[middle : middle + 1] == " " else ""
        if not (_has_prefix(left) and _has_prefix(right) and left[2:] == right[2:]):
            raise self.fail("the names of the 'diff --git' line cannot be read", self.start)
        return left[2:]

    def read_extended(self) -> None:
        """Lines between ``diff --git`` and the names: modes, renames, copies, the index line."""
        while (line := self.peek()) is not None:
            key = next((k for k in (*_MODE_HEADERS, *_NAME_HEADERS) if line.startswith(k)), None)
            if key is not None:
                value = line[len(key) :]
                if key in _NAME_HEADERS:
                    quoted = take_quoted(value)
                    if quoted is not None and quoted[1]:
                        raise self.fail("something follows a quoted name")
                    value = quoted[0] if quoted else value
                elif value not in _MODES:
                    raise self.fail(f"unknown file mode {value[:12]!r}")
            elif match := _INDEX.fullmatch(line):
                key, value = "index", match[3] or ""
                self.index = (match[1], match[2])
                if value and value not in _MODES:
                    raise self.fail(f"unknown file mode {value!r}")
            elif _SIMILARITY.fullmatch(line):
                key, value = line.split(" ", 1)[0], ""
            else:
                return
            if key in self.fields:
                raise self.fail(f"a second {key.strip()!r} line")
            self.fields[key] = value
            self.position += 1

    def read_names(self) -> None:
        """The ``---`` and ``+++`` lines, when there are any."""
        line = self.peek()
        if line is None or not line.startswith("--- "):
            return
        self.names["---"] = self.name(line.removeprefix("--- "))
        self.position += 1
        line = self.peek()
        if line is None or not line.startswith("+++ "):
            raise self.fail("expected a '+++' line")
        self.names["+++"] = self.name(line.removeprefix("+++ "))
        self.position += 1

    def name(self, text: str) -> str | None:
        if text == "/dev/null":
            return None
        quoted = take_quoted(text.removesuffix("\t"))
        if quoted is not None and quoted[1]:
            raise self.fail("something follows a quoted name")
        name = quoted[0] if quoted else text.removesuffix("\t")
        if (quoted is None and "\t" in name) or not _has_prefix(name):
            raise self.fail("a name without its 'a/' or 'b/'")
        return name[2:]

    def settle(self, rest: str) -> tuple[str | None, str | None, Kind]:
        """The two paths and the kind of change, after checking that all lines tell the same story."""
        told: tuple[str, str] | None = None
        kind: Kind = "modified"
        for kind_name, word in (("renamed", "rename"), ("copied", "copy")):
            ends = [self.fields.get(f"{word} {end} ") for end in ("from", "to")]
            if ends == [None, None]:
                continue
            if None in ends or told is not None:
                raise self.fail("half of a rename or copy", self.start)
            told = (str(ends[0]), str(ends[1]))
            kind = "renamed" if kind_name == "renamed" else "copied"
        added, deleted = "new file mode " in self.fields, "deleted file mode " in self.fields
        if added + deleted + (kind != "modified") > 1:
            raise self.fail("a file cannot be added, deleted and renamed at once", self.start)
        kind = "added" if added else "deleted" if deleted else kind
        old, new = self.match(rest, told, added=added, deleted=deleted)
        for path in (old, new):
            self.check_path(path)
        return (None if added else old), (None if deleted else new), kind

    def match(
        self, rest: str, told: tuple[str, str] | None, *, added: bool, deleted: bool
    ) -> tuple[str, str]:
        if self.names:
            if (self.names["---"] is None) != added or (self.names["+++"] is None) != deleted:
                raise self.fail("/dev/null does not agree with the file's modes", self.start)
            old = self.names["---"] if not added else self.names["+++"]
            new = self.names["+++"] if not deleted else self.names["---"]
            if old is None or new is None or (told is not None and told != (old, new)):
                raise self.fail("the names of a rename do not agree", self.start)
            told = (old, new)
            if old != new and not self.is_move():
                raise self.fail("two names in a file's header, and no rename", self.start)
        if told is None:
            name = self.common_name(rest)
            return name, name
        if not _tells(rest, *told):
            raise self.fail("the names in a file's header do not agree", self.start)
        return told

    def is_move(self) -> bool:
        return any(key in self.fields for key in _NAME_HEADERS)

    def check_path(self, path: str) -> None:
        if len(path.encode("utf-8", "surrogateescape")) > MAX_PATH_BYTES:
            raise self.fail(f"a path of more than {MAX_PATH_BYTES} bytes", self.start)
        if "\0" in path or any(part in {"", ".", ".."} for part in path.split("/")):
            raise self.fail(f"{quote(path)[:200]} is no path inside the repository", self.start)

    def modes(self, kind: Kind) -> tuple[str | None, str | None]:
        if kind == "added":
            return None, self.fields["new file mode "]
        if kind == "deleted":
            return self.fields["deleted file mode "], None
        old, new = self.fields.get("old mode "), self.fields.get("new mode ")
        if (old is None) != (new is None):
            raise self.fail("half of a mode change", self.start)
        same = self.fields.get("index") or None
        if old is not None and same is not None:
            raise self.fail("a mode change whose index line has a mode", self.start)
        return (old, new) if old is not None else (same, same)

    def check_substance(self, kind: Kind, *, hunks: bool, is_binary: bool) -> None:
        """A part that changes nothing is no part."""
        modes_only = {"old mode ", "new mode "} & self.fields.keys()
        if kind == "modified" and not (hunks or is_binary or modes_only):
            raise self.fail("a file without any change", self.start)
        if kind in {"added", "deleted"} and not (hunks or is_binary or "index" in self.fields):
            raise self.fail("an added or deleted file without contents", self.start)

    # --- contents ---

    def read_hunks(self) -> tuple[Hunk, ...]:
        hunks: list[Hunk] = []
        while (line := self.peek()) is not None and line.startswith("@@ "):
            hunks.append(self.read_hunk(line))
        if not hunks:
            raise self.fail("expected a hunk ('@@ -…')")
        return tuple(hunks)

    def read_hunk(self, line: str) -> Hunk:
        match = _HUNK.fullmatch(line)
        if match is None:
            raise self.fail("a hunk's header that cannot be read")
        old_length, new_length = int(match[2] or match[2] is None), int(match[4] or match[4] is None)
        begin = self.position
        self.position += 1
        old_left, new_left = old_length, new_length
        while old_left or new_left or self.at_note():
            body = self.peek()
            if body is None:
                raise self.fail("the patch ends within a hunk", begin)
            sign = body[:1]
            if sign not in {" ", "-", "+", "\\", ""}:
                raise self.fail("a hunk has fewer lines than its header says")
            if sign == "\\" and (self.position == begin + 1 or not self.at_note()):
                raise self.fail("a hunk's line that starts with a backslash")
            old_left -= sign in {" ", "-", ""}
            new_left -= sign in {" ", "+", ""}
            if old_left < 0 or new_left < 0:
                raise self.fail("a hunk has more lines than its header says")
            self.position += 1
        if not (old_length or new_length):
            raise self.fail("an empty hunk", begin)
        return Hunk(
            int(match[1]), old_length, int(match[3]), new_length, match[5],
            tuple(self.lines[begin + 1 : self.position]), line,
        )  # fmt: skip

    def at_note(self) -> bool:
        """Whether the "No newline at end of file" note comes next; it may follow a hunk's last line."""
        line = self.peek() or ""
        follows = self.lines[self.position - 1].startswith((" ", "+", "-"))
        return follows and line.startswith("\\ ") and len(line) > _SHORTEST_NOTE

    def read_binary(self) -> bool:
        line = self.peek()
        if line is not None and line.startswith("Binary files ") and line.endswith(" differ"):
            self.position += 1
            return True
        if line != "GIT binary patch":
            return False
        self.position += 1
        self.read_binary_hunk()
        if str(self.peek()).startswith(("literal ", "delta ")):
            self.read_binary_hunk()  # the way back
        return True

    def read_binary_hunk(self) -> None:
        if self.peek() is None:
            raise self.fail("a binary patch without contents", self.start)
        end = check_binary_hunk(self.lines, self.position, self.max_bytes)
        if isinstance(end, str):
            raise self.fail(end)
        self.position = end


def _tells(rest: str, old: str, new: str) -> bool:
    """Whether the names of a ``diff --git`` line are these two."""
    quoted = take_quoted(rest)
    left, right = quoted or (rest[: len(old) + 2], rest[len(old) + 2 :])
    second = take_quoted(right[1:])
    last = right[1:] if second is None else second[0]
    return (
        right[:1] == " "
        and (_has_prefix(left) and left[2:] == old)
        and (_has_prefix(last) and last[2:] == new)
        and not (second and second[1])
    )


def _has_prefix(name: str) -> bool:
    return len(name) > 2 and name[1] == "/" and "a" <= name[0] <= "z"  # noqa: PLR2004 - a letter, a slash, a name
