"""Small things that are done to text on its way between a model and a tool."""

from __future__ import annotations

import json
import re

from pydantic import JsonValue

CLIP = 10_000
"""Most characters of what the editor and the search show."""
REPLACEMENT = "\ufffd"
_SURROGATES = re.compile("[\ud800-\udfff]")


def as_text(value: JsonValue) -> str:
    """A value as it stands in a prompt: strings as they are, ``True`` and ``False``, all else as JSON."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, bool) else json.dumps(value, ensure_ascii=False)


def join_surrogates(text: str) -> tuple[str, bool]:
    """The text without surrogates, which no file and no server takes, and whether there were any.

    Two that belong together become their character, others U+FFFD.
    """
    if not _SURROGATES.search(text):
        return text, False
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace"), True


def shown(data: bytes) -> str:
    """Bytes as a model sees them: what is not UTF-8 becomes U+FFFD."""
    return data.decode("utf-8", "replace")


def clip(text: str, limit: int = CLIP) -> str:
    """The beginning of a text, with a mark where more was left out; whole lines where there are some."""
    if len(text) <= limit:
        return text
    kept = text[:limit]
    whole = kept.rfind("\n")
    kept = kept[:whole] if whole > limit // 2 else kept
    return f"{kept}\n[… {len(text) - len(kept):,} of {len(text):,} characters left out]"


def short(value: str, limit: int = 80) -> str:
    """A value as a message quotes it."""
    return repr(value if len(value) <= limit else value[: limit - 1] + "…")
