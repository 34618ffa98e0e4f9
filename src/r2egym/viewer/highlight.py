"""Code and diffs as markup: every character of what is shown is escaped here, and nothing else of this room makes markup of text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from markupsafe import Markup, escape

from r2egym.viewer.text import visible

_MOST_CODE = 40_000
"""Characters that are coloured; longer code is shown plain."""
_LONGEST_LINE = 5_000
_MOST_DIFF = 400_000
"""Characters of a diff that are shown at once."""
_LEXERS = {
    ".py": "python.PythonLexer", ".pyi": "python.PythonLexer", ".sh": "shell.BashLexer", ".json": "data.JsonLexer",
    ".toml": "configs.TOMLLexer", ".cfg": "configs.IniLexer", ".ini": "configs.IniLexer", ".yaml": "data.YamlLexer",
    ".yml": "data.YamlLexer", ".c": "c_cpp.CLexer", ".h": "c_cpp.CLexer", ".js": "javascript.JavascriptLexer",
}  # fmt: skip
_HEADER = re.compile(r'^diff --git "?a/(.*?)"? "?b/(.*?)"?$')


def code(text: str, suffix: str) -> Markup:
    """Code, coloured by the suffix of a file's name (``.py``); what is long or unknown comes plain."""
    shown = visible(text)
    lexer = _lexer(suffix)
    longest = max(map(len, shown.split("\n")), default=0)
    if lexer is None or len(shown) > _MOST_CODE or longest > _LONGEST_LINE:
        return escape(shown)
    parts = []
    for kind, value in lexer.get_tokens(shown):
        name = _class(str(kind))
        parts.append(Markup('<span class="{}">{}</span>').format(name, value) if name else escape(value))
    return Markup("").join(parts).rstrip("\n")


@cache
def _lexer(suffix: str) -> Any:
    import importlib

    name = _LEXERS.get(suffix)
    if name is None:
        return None
    module, _, kind = name.partition(".")
    return getattr(importlib.import_module(f"pygments.lexers.{module}"), kind)(stripnl=False)


@cache
def _class(kind: str) -> str:
    """One of a few classes for a kind of token (``Token.Literal.String.Doc``)."""
    for beginning, name in (
        ("Token.Comment", "cr"),
        ("Token.Keyword", "cw"),
        ("Token.Operator.Word", "cw"),
        ("Token.Literal.String", "ct"),
        ("Token.Literal.Number", "cn"),
        ("Token.Name.Function", "cf"),
        ("Token.Name.Class", "cf"),
        ("Token.Name.Decorator", "cf"),
        ("Token.Name.Builtin", "cf"),
        ("Token.Name.Tag", "cf"),
        ("Token.Name.Variable", "cn"),
    ):
        if kind.startswith(beginning):
            return name
    return ""


@dataclass(frozen=True, slots=True)
class FileDiff:
    """What a diff does to one file."""

    path: str
    added: int
    removed: int
    body: Markup
    """Its lines, each a block of class ``add``, ``del``, ``hunk``, ``note`` or none."""


@dataclass(frozen=True, slots=True)
class Diff:
    """A diff, file by file. Any text makes one."""

    files: tuple[FileDiff, ...]
    left: int
    """Characters that are not in it."""

    @property
    def added(self) -> int:
        """Lines."""
        return sum(file.added for file in self.files)

    @property
    def removed(self) -> int:
        """Lines."""
        return sum(file.removed for file in self.files)


def diff(text: str) -> Diff:
    """Divide a diff into files. What stands before the first header is shown under no name."""
    files: list[tuple[str, list[str]]] = []
    for line in visible(text[:_MOST_DIFF]).split("\n"):
        header = _HEADER.match(line)
        if header:
            files.append((header[2], []))
        elif files:
            files[-1][1].append(line)
        elif line.strip():
            files.append(("", [line]))
    return Diff(tuple(_file(path, lines) for path, lines in files), max(len(text) - _MOST_DIFF, 0))


def _file(path: str, lines: list[str]) -> FileDiff:
    while lines and not lines[-1]:
        lines.pop()
    added = removed = 0
    parts, in_hunk = [], False
    for line in lines:
        if line.startswith("@@"):
            kind, in_hunk = "hunk", True
        elif in_hunk and line.startswith("+"):
            kind, added = "add", added + 1
        elif in_hunk and line.startswith("-"):
            kind, removed = "del", removed + 1
        elif in_hunk and not line.startswith("\\"):
            kind = ""
        else:
            kind = "note"
        if kind == "note" and line.startswith(("index ", "--- ", "+++ ")):
            continue
        parts.append(Markup('<span class="{}">{}\n</span>').format(kind, line[:_LONGEST_LINE]))
    return FileDiff(path, added, removed, Markup("").join(parts))


def change(old: str, new: str) -> Markup:
    """A text that another one takes the place of, as a diff without context."""
    import difflib

    before, after = visible(old[:_MOST_CODE]).split("\n"), visible(new[:_MOST_CODE]).split("\n")
    if len(before) + len(after) > 600:  # noqa: PLR2004 - comparing takes the product of both
        lines = [*(f"- {line}" for line in before), *(f"+ {line}" for line in after)]
    else:
        lines = [line for line in difflib.ndiff(before, after) if not line.startswith("?")]
    kinds = {"+": "add", "-": "del"}
    marked = (
        Markup('<span class="{}">{}{}\n</span>').format(
            kinds.get(line[0], ""), line[0], line[2:_LONGEST_LINE]
        )
        for line in lines
    )
    return Markup("").join(marked)


# --- statements ---------------------------------------------------------------------------------------------------

_FENCE = re.compile(r"^\s{0,3}(```+|~~~+)\s*([\w+-]*)")
_HEADING = re.compile(r"^(#{1,6})\s+(.*)")
_ITEM = re.compile(r"^\s*[-*]\s+(.*)")
_INLINE = re.compile(r"`([^`\n]+)`")
_WORDS = re.compile(r"[^\W_]+")
_MOST_STATEMENT = 100_000
_LANGUAGES = {"python": ".py", "py": ".py", "bash": ".sh", "sh": ".sh", "json": ".json", "toml": ".toml"}


def prose(text: str) -> Markup:
    """A statement: the little of Markdown that they use (headings, fences, items, code), and never a link or an image."""
    parts: list[Markup] = []
    paragraph: list[str] = []
    lines = iter(visible(text[:_MOST_STATEMENT]).split("\n"))

    def close() -> None:
        if paragraph:
            parts.append(Markup("<p>{}</p>").format(_inline("\n".join(paragraph))))
            paragraph.clear()

    for line in lines:
        if fence := _FENCE.match(line):
            close()
            inside = []
            for inner in lines:
                if inner.strip().startswith(fence[1]):
                    break
                inside.append(inner)
            body = code("\n".join(inside), _LANGUAGES.get(fence[2].lower(), ""))
            parts.append(Markup('<pre class="code">{}</pre>').format(body))
        elif heading := _HEADING.match(line):
            close()
            parts.append(Markup("<h3>{}</h3>").format(_inline(heading[2])))
        elif item := _ITEM.match(line):
            close()
            parts.append(Markup('<p class="item">{}</p>').format(_inline(item[1])))
        elif not line.strip():
            close()
        else:
            paragraph.append(line)
    close()
    return Markup("").join(parts)


def _inline(text: str) -> Markup:
    pieces = _INLINE.split(text)
    return Markup("").join(
        Markup("<code>{}</code>").format(piece) if number % 2 else escape(piece)
        for number, piece in enumerate(pieces)
    )


def pattern_of(words: tuple[str, ...]) -> re.Pattern[str] | None:
    """What finds these words, words in a row, or beginnings (``begin*``) as the search does: only letters and digits count."""
    wanted = [_form(word) for word in words if _WORDS.search(word)]
    return re.compile(rf"(?<![^\W_])({'|'.join(wanted)})", re.IGNORECASE) if wanted else None


def _form(word: str) -> str:
    return r"[\W_]+".join(map(re.escape, _WORDS.findall(word))) + (
        "" if word.endswith("*") else r"(?![^\W_])"
    )


def marked(text: str, words: tuple[str, ...]) -> Markup:
    """Text with every place of these words marked; without words, the text alone."""
    wanted = pattern_of(words)
    if wanted is None:
        return escape(text)
    pieces = wanted.split(text)
    return Markup("").join(
        Markup("<mark>{}</mark>").format(piece) if number % 2 else escape(piece)
        for number, piece in enumerate(pieces)
    )
