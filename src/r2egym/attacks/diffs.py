"""Patches in the exact form that ``git diff`` prints, built from what a file was and what it should be.

Not a diff algorithm: a hunk replaces a whole file, or adds to its end. Texts are UTF-8; a file whose bytes are not
becomes a ``GIT binary patch``. Every patch ends with a newline, and patches of different paths may be joined.
"""

from __future__ import annotations

import base64
import hashlib
import zlib

_CONTEXT = 3
_NO_NEWLINE = "\\ No newline at end of file\n"
_ABSENT = "0" * 40


def join(*patches: str) -> str:
    """One patch from several, which must not speak of the same path."""
    return "".join(patches)


def split(patch: str) -> list[str]:
    """The parts of a patch of this module's own making, one a path."""
    parts: list[str] = []
    for line in patch.splitlines(keepends=True):
        if line.startswith("diff --git "):
            parts.append("")
        parts[-1] += line
    return parts


def new_file(path: str, content: str, *, mode: str = "100644") -> str:
    """A patch that adds a text file (or with mode ``120000`` a symbolic link, whose content is where it points)."""
    head = f"diff --git a/{path} b/{path}\nnew file mode {mode}\nindex {_ABSENT}..{_blob(content.encode())}\n"
    if not content:
        return head
    lines = _lines(content)
    return head + f"--- /dev/null\n+++ b/{path}\n@@ -0,0 +1,{len(lines)} @@\n" + _marked("+", lines)


def symlink(path: str, destination: str) -> str:
    """A patch that adds a symbolic link."""
    return new_file(path, destination, mode="120000")


def submodule(path: str, commit: str) -> str:
    """A patch that adds a gitlink."""
    line = f"Subproject commit {commit}\n"
    return (
        f"diff --git a/{path} b/{path}\nnew file mode 160000\nindex {_ABSENT}..{commit}\n"
        f"--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+{line}"
    )


def delete(path: str, old: str, *, mode: str = "100644") -> str:
    """A patch that removes a text file."""
    head = f"diff --git a/{path} b/{path}\ndeleted file mode {mode}\nindex {_blob(old.encode())}..{_ABSENT}\n"
    if not old:
        return head
    lines = _lines(old)
    return head + f"--- a/{path}\n+++ /dev/null\n@@ -1,{len(lines)} +0,0 @@\n" + _marked("-", lines)


def rename(old_path: str, new_path: str) -> str:
    """A patch that moves a file as it is."""
    return f"diff --git a/{old_path} b/{new_path}\nsimilarity index 100%\nrename from {old_path}\nrename to {new_path}\n"


def replace(path: str, old: str, new: str, *, mode: str = "100644") -> str:
    """A patch that changes the whole text of a file; neither text may be empty."""
    before, after = _lines(old), _lines(new)
    return (
        _changed(path, old, new, mode)
        + f"@@ -1,{len(before)} +1,{len(after)} @@\n"
        + _marked("-", before)
        + _marked("+", after)
    )


def append(path: str, old: str, text: str, *, mode: str = "100644") -> str:
    """A patch that adds ``text`` (which ends with a newline) to the end of a file, after at most three known lines."""
    if not old:
        # Only a file with a line has a hunk to add to; an empty one is told by its empty range.
        return (
            _changed(path, old, text, mode)
            + f"@@ -0,0 +1,{len(_lines(text))} @@\n"
            + _marked("+", _lines(text))
        )
    lines, added = _lines(old), _lines(text)
    known = lines[-_CONTEXT:]
    start = len(lines) - len(known) + 1
    ends_well = old.endswith("\n")
    last = known[-1]
    body = _marked(" ", known[:-1])
    body += _marked(" ", [last]) if ends_well else _marked("-", [last]) + _marked("+", [last + "\n"])
    new = old + ("" if ends_well else "\n") + text
    return (
        _changed(path, old, new, mode)
        + f"@@ -{start},{len(known)} +{start},{len(known) + len(added)} @@\n"
        + body
        + _marked("+", added)
    )


def binary_file(path: str, content: bytes, *, mode: str = "100644") -> str:
    """A ``GIT binary patch`` that adds a file of any bytes."""
    return (
        f"diff --git a/{path} b/{path}\nnew file mode {mode}\nindex {_ABSENT}..{_blob(content)}\n"
        f"GIT binary patch\nliteral {len(content)}\n{_base85(content)}\nliteral 0\nHcmV?d00001\n\n"
    )


def _base85(content: bytes) -> str:
    """Git's lines: a letter for the count of bytes (A-Z 1-26, a-z 27-52), then their base 85."""
    packed = zlib.compress(content)
    lines = []
    for start in range(0, len(packed), 52):
        chunk = packed[start : start + 52]
        size = len(chunk)
        letter = chr(ord("A") + size - 1) if size <= 26 else chr(ord("a") + size - 27)  # noqa: PLR2004 - letters
        lines.append(letter + base64.b85encode(chunk, pad=True).decode() + "\n")
    return "".join(lines)


def _changed(path: str, old: str, new: str, mode: str) -> str:
    return (
        f"diff --git a/{path} b/{path}\nindex {_blob(old.encode())}..{_blob(new.encode())} {mode}\n"
        f"--- a/{path}\n+++ b/{path}\n"
    )


def _lines(text: str) -> list[str]:
    """Lines as git counts them: only a line feed ends one."""
    parts = text.split("\n")
    return [part + "\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])


def _marked(mark: str, lines: list[str]) -> str:
    return "".join(mark + line + ("" if line.endswith("\n") else "\n" + _NO_NEWLINE) for line in lines)


def _blob(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
