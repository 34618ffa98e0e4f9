"""Colours, once: pages, charts in pages, and plots on paper take them from here.

Every status has a shape too (:data:`MARKS`), so that nothing is told by colour alone. Text on ``page``, ``surface`` and ``sunken``
keeps a contrast of 4.5 to 1 in both themes.
"""

from __future__ import annotations

from typing import Literal

Theme = Literal["light", "dark"]

COLOURS: dict[Theme, dict[str, str]] = {
    "light": {
        "page": "#fbfaf8",
        "surface": "#ffffff",
        "sunken": "#f4f2ee",
        "line": "#e3e0d9",
        "edge": "#c9c5bc",
        "text": "#20242a",
        "muted": "#5c626b",
        "accent": "#2a5d90",
        "accent-soft": "#e6eef6",
        "passed": "#2a7351",
        "passed-soft": "#e3f1e9",
        "failed": "#ae3f2c",
        "failed-soft": "#faeae5",
        "tampered": "#74439f",
        "tampered-soft": "#f1e9f8",
        "masked": "#62686f",
        "masked-soft": "#eceae5",
        "damaged": "#7d5a00",
        "damaged-soft": "#f7eed8",
        "mark": "#fbe6a2",
        "code-word": "#7a3e9d",
        "code-name": "#1f5f99",
        "code-text": "#2a7351",
        "code-number": "#9a4b12",
        "code-remark": "#686e76",
    },
    "dark": {
        "page": "#15171a",
        "surface": "#1b1e22",
        "sunken": "#101215",
        "line": "#2b2f35",
        "edge": "#454b53",
        "text": "#e3e4e2",
        "muted": "#a0a6ad",
        "accent": "#8dbbe6",
        "accent-soft": "#1d2c3b",
        "passed": "#6cc79c",
        "passed-soft": "#182b22",
        "failed": "#f0907c",
        "failed-soft": "#351f1b",
        "tampered": "#c7a3ea",
        "tampered-soft": "#2a2036",
        "masked": "#a0a6ad",
        "masked-soft": "#25292d",
        "damaged": "#dcb25a",
        "damaged-soft": "#31280f",
        "mark": "#5c4a0d",
        "code-word": "#cda4ec",
        "code-name": "#8dbbe6",
        "code-text": "#85cfa8",
        "code-number": "#e6a678",
        "code-remark": "#8f969e",
    },
}
"""Name → colour, by theme. A ``-soft`` one is a background for text of the plain one."""

SERIES: dict[Theme, tuple[str, ...]] = {
    "light": ("#2a5d90", "#b0652a", "#2a7351", "#74439f", "#62686f", "#a23b6a"),
    "dark": ("#8dbbe6", "#e6a678", "#6cc79c", "#c7a3ea", "#a0a6ad", "#e692b8"),
}
"""For curves, in their order."""

Dash = Literal["solid", "dashed", "dotted"]
_LINES: dict[str, tuple[str, int, Dash]] = {
    "oracle": ("Pass@K", 4, "dashed"),
    "hybrid": ("hybrid", 0, "solid"),
    "execution": ("execution", 1, "solid"),
    "execution-free": ("execution-free", 2, "solid"),
    "random": ("random", 4, "dotted"),
}


def line_of(selector: str, place: int) -> tuple[str, int, Dash]:
    """Label, number of its series, and line of a selector's curve; ``place``: among those that are not ours."""
    return _LINES.get(selector, (selector, (3, 5)[place % 2], "solid"))


MARKS = {"passed": "o", "failed": "x", "tampered": "D", "masked": "s", "damaged": "^"}
"""Shape of a status, as matplotlib names it; pages draw the like."""


def style_sheet() -> str:
    """The colours as custom properties of CSS, for both themes."""
    light, dark = (_properties(theme) for theme in ("light", "dark"))
    return (
        f":root{{color-scheme:light;{light}}}\n"
        f"@media (prefers-color-scheme:dark){{:root:not([data-theme=light]){{color-scheme:dark;{dark}}}}}\n"
        f":root[data-theme=dark]{{color-scheme:dark;{dark}}}\n"
    )


def _properties(theme: Theme) -> str:
    colours = {
        **COLOURS[theme],
        **{f"series-{number}": colour for number, colour in enumerate(SERIES[theme])},
    }
    return "".join(f"--{name}:{colour};" for name, colour in colours.items())
