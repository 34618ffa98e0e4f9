"""What of a long file a reader needs who wants to test a change in it: its imports, what encloses the change, its other names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from r2egym.mining.entities import NAMED, Outline, Part

_WHOLE = 12_000
"""Characters of a file that is shown as it is."""
_HEAD = 40
"""Lines of a class before its first method."""


def excerpt(source: str, changed: Sequence[tuple[int, int]]) -> str:
    """A file, or the parts of it that matter, lines left out marked by ``…``.

    Args:
        source: the file after the change.
        changed: ranges of its lines, first and last, from 1.
    """
    if len(source) <= _WHOLE:
        return source
    outline = Outline(source.encode("utf-8", "surrogateescape"))
    touched = outline.at(changed)
    kept = {number for first, last in changed for number in range(first, last + 1)}
    kept.update(number for part in touched for number in _lines(part, touched, outline.parts))
    kept.update(
        n for part in outline.parts if "Import" in part.ast_type for n in range(part.start, part.end + 1)
    )
    names = [part.name for part in outline.parts if part.type in NAMED and part not in touched]
    public = ", ".join(name for name in names if not any(word.startswith("_") for word in name.split(".")))
    shown = _joined(source.splitlines(), kept)
    return f"{shown}\n\n# Other names of the file: {public}" if public else shown


def _lines(part: Part, touched: Sequence[Part], parts: Iterable[Part]) -> range:
    """All lines of a part; of a class, its head where only some of its methods are touched."""
    if part.type == "class" and any(one.name.startswith(f"{part.name}.") for one in touched):
        own = (one.start for one in parts if one.type == "method" and one.name.startswith(f"{part.name}."))
        return range(part.start, min([part.start + _HEAD, part.end + 1, *own]))
    return range(part.start, part.end + 1)


def _joined(lines: Sequence[str], kept: set[int]) -> str:
    def text() -> Iterator[str]:
        last = 0
        for number in sorted(kept):
            if 0 < number <= len(lines):
                if number != last + 1:
                    yield "…"
                yield lines[number - 1]
                last = number

    return "\n".join(text())
