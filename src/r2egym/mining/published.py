"""A commit in the published form (``parsed_commit_content``), and back to the text of its diff, byte for byte.

The form is a diff taken apart: files, headers, hunks, lines, with both versions of each file and the entities that each
hunk touches. Bytes that are no UTF-8 are surrogate escapes, which JSON can carry.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from r2egym.mining.candidates import Candidate
from r2egym.mining.entities import Outline, Part, record, touched
from r2egym.mining.git import Repository
from r2egym.mining.patches import FilePatch, Hunk
from r2egym.mining.paths import is_python_path, quote, take_quoted
from r2egym.mining.split import full_diff

_TYPES = {" ": "context", "+": "added", "-": "deleted", "\\": "note"}
_SIGNS = {"context": " ", "added": "+", "deleted": "-", "note": "\\ "}

Json = dict[str, Any]


def parsed_commit_content(repository: Repository, candidate: Candidate) -> Json:
    """A candidate's diff in the published form, as JSON has it. Raises RepositoryError."""
    commit = candidate.commit
    zone = dt.timezone(dt.timedelta(minutes=commit.author_offset))
    return {
        "file_diffs": [_file(repository, file) for file in full_diff(repository, candidate)],
        "old_commit_hash": candidate.base,
        "new_commit_hash": commit.hash,
        "commit_message": commit.message,
        "commit_date": dt.datetime.fromtimestamp(commit.author_time, zone).isoformat(),
        "metadata": {},
    }


def rebuild_diff(content: Mapping[str, Any]) -> str:
    """The text of the diff that was taken apart.

    Args:
        content: ``parsed_commit_content``, loaded from its JSON.
    """
    return "".join(line for file in content["file_diffs"] for line in _lines(file))


# --- taking apart -----------------------------------------------------------------------------------------------


def _file(repository: Repository, file: FilePatch) -> Json:
    old, new = (_content(repository, file, side) for side in (0, 1))
    outlines = None
    if is_python_path(file.path) and file.hunks:
        outlines = Outline(old), Outline(new)
    names = {line[:3]: line[4:] for line in file.header if line.startswith(("--- ", "+++ "))}
    misc = [line for line in file.header[1:] if not line.startswith(("--- ", "+++ ", "index "))]
    index = next((line for line in file.header if line.startswith("index ")), None)
    binary = next((line for line in file.text.split("\n") if line.startswith("Binary files ")), None)
    return {
        "old_file_content": "" if file.is_binary else old.decode("utf-8", "surrogateescape"),
        "new_file_content": "" if file.is_binary else new.decode("utf-8", "surrogateescape"),
        "header": {"file": {"path": file.path}, "misc_line": "\n".join(misc) or None},
        "index_line": _index(index),
        "is_binary_file": file.is_binary,
        "binary_line": binary if file.is_binary else None,
        "minus_file": {"path": names["---"]} if "---" in names else None,
        "plus_file": {"path": names["+++"]} if "+++" in names else None,
        "hunks": [_hunk(file, hunk, outlines) for hunk in file.hunks],
    }


def _content(repository: Repository, file: FilePatch, side: int) -> bytes:
    """A version of a file; empty where there is none, and for a binary or a submodule."""
    oid = file.index[side] if file.index else ""
    mode = (file.old_mode, file.new_mode)[side]
    if file.is_binary or not oid.strip("0") or mode == "160000":
        return b""
    return repository.blob(oid)


def _index(line: str | None) -> Json | None:
    if line is None:
        return None
    hashes, _, mode = line.removeprefix("index ").partition(" ")
    old, _, new = hashes.partition("..")
    return {"old_commit_hash": old, "new_commit_hash": new, "mode": mode}


def _hunk(file: FilePatch, hunk: Hunk, outlines: tuple[Outline, Outline] | None) -> Json:
    found = touched(*outlines, (hunk,)) if outlines else None
    old, new = hunk.header.split(" ")[1:3]
    return {
        "descriptor": {
            "old_range": _range(old[1:]),
            "new_range": _range(new[1:]),
            "section": hunk.section.removeprefix(" "),
        },
        "line_group": {
            "all_lines": [
                {"content": line[2:] if line[:1] == "\\" else line[1:], "type": _TYPES[line[:1] or " "]}
                for line in hunk.lines
            ]
        },
        "modified_entities": _entities(file, found.modified if found else ()),
        "added_entities": _entities(file, found.added if found else ()),
        "deleted_entities": _entities(file, found.deleted if found else ()),
    }


def _range(text: str) -> Json:
    start, _, length = text.partition(",")
    return {"start": int(start), "length": int(length) if length else None}


def _entities(file: FilePatch, parts: Sequence[Part]) -> list[Json]:
    return [{**record(file.path, part).model_dump(), "content": part.text, "parent": None} for part in parts]


# --- putting together -------------------------------------------------------------------------------------------


def _lines(file: Mapping[str, Any]) -> Iterator[str]:
    yield f"diff --git {_git_names(file)}\n"
    if file["header"].get("misc_line"):
        yield file["header"]["misc_line"] + "\n"
    if index := file.get("index_line"):
        mode = f" {index['mode']}" if index["mode"] else ""
        yield f"index {index['old_commit_hash']}..{index['new_commit_hash']}{mode}\n"
    if file.get("is_binary_file"):
        yield file["binary_line"] + "\n"
    if file.get("minus_file") and file.get("plus_file"):
        yield f"--- {file['minus_file']['path']}\n"
        yield f"+++ {file['plus_file']['path']}\n"
    for hunk in file["hunks"]:
        told = hunk["descriptor"]
        section = f" {told['section']}" if told["section"] else ""
        yield f"@@ -{_range_text(told['old_range'])} +{_range_text(told['new_range'])} @@{section}\n"
        for line in hunk["line_group"]["all_lines"]:
            yield f"{_SIGNS[line['type']]}{line['content']}\n"


def _git_names(file: Mapping[str, Any]) -> str:
    """Both names as the first line has them: they differ where a file was renamed or copied."""
    path = file["header"]["file"]["path"]
    names = {"from": path, "to": path}
    for line in (file["header"].get("misc_line") or "").split("\n"):
        verb, _, rest = line.partition(" ")
        end, _, name = rest.partition(" ")
        if verb in {"rename", "copy"} and end in names:
            quoted = take_quoted(name)
            names[end] = quoted[0] if quoted else name
    return f"{quote('a/' + names['from'])} {quote('b/' + names['to'])}"


def _range_text(told: Mapping[str, Any]) -> str:
    return str(told["start"]) if told["length"] is None else f"{told['start']},{told['length']}"
