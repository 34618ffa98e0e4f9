"""Templates to text: strict escaping, no undefined names, the same for the server and for files."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from r2egym.viewer import charts, highlight
from r2egym.viewer.attempts import STATUSES
from r2egym.viewer.palette import style_sheet
from r2egym.viewer.reasons import REASONS
from r2egym.viewer.text import acts, one_line, visible

if TYPE_CHECKING:
    from jinja2 import Environment


@cache
def environment() -> Environment:
    """The one environment of all templates."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("r2egym.viewer"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_calm,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(
        outcome_bar=charts.outcome_bar,
        share_bar=charts.share_bar,
        histogram=charts.histogram,
        curves=charts.curves,
        reasons=REASONS,
        statuses=STATUSES,
        link=link,
    )
    made.filters.update(
        count=count, duration=duration, money=money, short=short, one_line=one_line, visible=visible, marked=highlight.marked,
        plural=plural, percent=percent, size=size, middle=middle,
    )  # fmt: skip
    return made


def _calm(value: Any) -> Any:
    """What an expression gives, without characters that act: no template can forget it."""
    return visible(value) if type(value) is str and acts(value) else value


def render(template: str, **values: Any) -> str:
    """A template's text."""
    return environment().get_template(template).render(**values)


def style() -> str:
    """The style sheet, colours first."""
    return style_sheet() + _static("viewer.css")


def script() -> str:
    """The script, which pages can do without."""
    return _static("viewer.js")


@cache
def _static(name: str) -> str:
    return (resources.files("r2egym.viewer") / "static" / name).read_text(encoding="utf-8")


def link(*parts: object, **query: object) -> str:
    """An address on this server: every part quoted, queries that say nothing left out."""
    path = "/" + "/".join(quote(str(part), safe="") for part in parts)
    said = {name: value for name, value in query.items() if value not in {None, ""}}
    return f"{path}?{urlencode(said)}" if said else path


# --- numbers for people -------------------------------------------------------------------------------------------


def count(number: float | None) -> str:
    """A number with separators; a dash when it is not known."""
    return "\u2013" if number is None else f"{number:,.0f}"


def short(number: float | None) -> str:
    """A large number in three figures: ``1.18M``."""
    if number is None:
        return "\u2013"
    for unit, name in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(number) >= unit:
            return f"{number / unit:.3g}{name}"
    return f"{number:.0f}"


def percent(share: float | None) -> str:
    """A share from 0 to 1."""
    return "\u2013" if share is None else f"{share:.1%}"


def duration(seconds: float | None) -> str:
    """Seconds as people say them."""
    if seconds is None:
        return "\u2013"
    if seconds < 10:  # noqa: PLR2004
        return f"{seconds:.1f} s"
    if seconds < 120:  # noqa: PLR2004
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 120:  # noqa: PLR2004
        return f"{minutes} min"
    return f"{minutes // 60:,} h {minutes % 60} min" if minutes < 6000 else f"{minutes // 60:,} h"  # noqa: PLR2004


def money(dollars: float | None) -> str:
    """US dollars."""
    if dollars is None:
        return "\u2013"
    return f"${dollars:,.2f}" if dollars >= 0.1 or not dollars else f"${dollars:.2g}"  # noqa: PLR2004


def middle(number: float | None) -> str:
    """A median: whole, or with its half."""
    return "\u2013" if number is None else f"{number:,g}"


def plural(number: int, one: str, many: str = "") -> str:
    """A number and its noun."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def size(number: int) -> str:
    """Bytes or characters."""
    for unit, name in ((1 << 30, "G"), (1 << 20, "M"), (1 << 10, "k")):
        if number >= unit:
            return f"{number / unit:.3g} {name}"
    return str(number)
