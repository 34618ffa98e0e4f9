"""What a file of commands says of itself.

A script (it begins with ``#!``) is one command: a comment block ``# @yaml`` tells its ``docstring``, ``signature`` and
``arguments``, else its first triple-quoted text is the docstring. A ``.sh`` file without ``#!`` is one command a function, each
documented by such a block before it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from r2egym.errors import UsageError

_BLOCK = re.compile(r"^#[ \t]*@yaml[ \t]*\n((?:#.*\n?)+)", re.MULTILINE)
_TEXT = re.compile(r"(\"\"\"|''')(.*?)\1", re.DOTALL)
_FUNCTION = re.compile(
    r"(?P<docs>(?:^#[^\n]*\n)*)^(?:function[ \t]+)?(?P<name>[\w-]+)[ \t]*\(\)[ \t]*\{.*?^\}",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Command:
    """A command that a file gives an agent."""

    code: str
    name: str
    docstring: str | None = None
    end_name: str | None = None
    """What ends it, when it takes several lines."""
    arguments: dict[str, Any] | None = None
    signature: str | None = None


class ParseCommandBash:
    """Reads files of commands."""

    def parse_command_file(self, path: str | Path) -> list[Command]:
        """The commands of a file. Raises UsageError: it cannot be read, or tells of none."""
        place = Path(path)
        try:
            text = place.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{path}: cannot be read as a file of commands ({error})") from None
        quiet = place.name.startswith("_")
        if text.lstrip().startswith("#!"):
            found = _script(text, place)
        elif place.suffix == ".sh" or quiet:
            found = [
                _documented(match[0], match["name"], match["docs"]) for match in _FUNCTION.finditer(text)
            ]
        else:
            raise UsageError(f"{path}: a file of commands is a .sh file, or a script that begins with #!")
        if not found and not quiet:
            raise UsageError(f"{path}: no command in it tells what it does (a docstring, or a # @yaml block)")
        return found

    def generate_command_docs(self, commands: list[Command]) -> str:
        """A line a command."""
        told = (one for one in commands if one.docstring is not None)
        return "".join(f"{one.signature or one.name} - {one.docstring}\n" for one in told)


def _script(text: str, place: Path) -> list[Command]:
    blocks = list(_BLOCK.finditer(text))
    if len(blocks) > 1:
        raise UsageError(f"{place}: a script has one # @yaml block, not {len(blocks)}")
    if blocks:
        return [_documented(text, place.stem, blocks[0][0])]
    found = _TEXT.search(text)
    if found is None:
        return []
    return [Command(code=text, name=place.stem, docstring=found[2].strip(), signature=place.stem)]


def _documented(code: str, name: str, comment: str) -> Command:
    import yaml

    lines = re.sub(r"^#", "", comment.partition("@yaml")[2], flags=re.MULTILINE)
    try:
        told = yaml.safe_load(lines)
    except yaml.YAMLError as error:
        raise UsageError(f"{name}: its # @yaml block is not YAML ({' '.join(str(error).split())})") from None
    told = told if isinstance(told, dict) else {}
    arguments = told.get("arguments")
    signature = told.get("signature") or " ".join([name, *_words(arguments or {})])
    return Command(code, name, told.get("docstring"), told.get("end_name"), arguments, signature)


def _words(arguments: dict[str, Any]) -> list[str]:
    return [
        f"<{name}>" if isinstance(about, dict) and about.get("required") else f"[<{name}>]"
        for name, about in arguments.items()
    ]
