"""Hostile text made fit to be looked at: nothing in it acts on a terminal, a page, or the order of letters.

Escaping for HTML is not done here: templates do it, for every text, always.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_CODES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # colours, cursor
    r"|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)"  # titles, links, other strings
    r"|\x1b[()#][0-9A-Z]|\x1b[=>78@-Z\\^_]"
)
_CONTROLS = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]"
)
_SURROGATES = re.compile("[\ud800-\udfff]")
_PICTURES = 0x2400
_DELETE = 0x7F
_LONGEST_LINE = 2_000
"""Characters of a line that are shown before one asks for all of it."""


def sound(text: str) -> str:
    """The text without half characters, which neither a database nor a page takes."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return _SURROGATES.sub("\ufffd", text)
    return text


def visible(text: str) -> str:
    """The text without terminal codes; other control characters, and those that turn the order of letters, are shown."""
    text = _CODES.sub("", sound(text)).replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROLS.sub(_picture, text)


def acts(text: str) -> bool:
    """Whether anything in a text would act, or is half a character."""
    return (not text.isascii() and _SURROGATES.search(text) is not None) or _CONTROLS.search(text) is not None


def _picture(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < ord(" "):
        return chr(_PICTURES + code)
    return "\u2421" if code == _DELETE else f"\u27e8U+{code:04X}\u27e9"


def one_line(text: str, most: int = 160) -> str:
    """The beginning of a text as one line."""
    line = " ".join(visible(text[: 8 * most]).split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


@dataclass(frozen=True, slots=True)
class Clip:
    """The part of a text that is shown at once."""

    head: str
    """Its beginning, fit to be shown."""
    tail: str
    """What follows, fit to be shown, as far as it is sent along."""
    lines: int
    """Lines of the whole text."""
    characters: int
    """Characters of the whole text."""
    left: int
    """Characters that are in neither head nor tail."""

    @property
    def more(self) -> int:
        """Lines of ``tail``."""
        return self.tail.count("\n") + (not self.tail.endswith("\n")) if self.tail else 0


def clip(text: str, *, lines: int, most: int) -> Clip:
    """Divide a text into what is shown, what is folded away, and what is fetched on demand.

    Args:
        text: as it came.
        lines: shown at once.
        most: characters of both parts together.
    """
    sent = text[:most]
    left = len(text) - len(sent)
    if left and (end := sent.rfind("\n")) > most // 2:
        sent, left = sent[: end + 1], left + len(sent) - end - 1
    shown = visible(sent)
    cut, at = 0, -1
    for _ in range(lines):
        at = shown.find("\n", at + 1)
        if at < 0:
            break
        cut = at + 1
    head, tail = (shown, "") if at < 0 else (shown[:cut], shown[cut:])
    if len(head) > _LONGEST_LINE * 2:
        head, tail = head[: _LONGEST_LINE * 2], head[_LONGEST_LINE * 2 :] + tail
    return Clip(head, tail, text.count("\n") + (not text.endswith("\n") if text else 0), len(text), left)
