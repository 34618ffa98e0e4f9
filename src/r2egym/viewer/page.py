"""What every page knows of the world around it."""

from __future__ import annotations

from dataclasses import dataclass, field

from r2egym.viewer.addresses import Addresses, ServerAddresses


@dataclass(frozen=True, slots=True)
class Page:
    """The frame of a page."""

    to: Addresses = field(default_factory=ServerAddresses)
    at: str = ""
    """Which entry of the navigation it belongs to."""
    q: str = ""
    """What was searched for."""
    datasets: tuple[str, ...] = ()
    static: bool = False
    """Whether it is a file of its own: no script, no server."""
    style: str = ""
    policy: str = ""
    """Of a file: what it may load, which is nothing."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A row of a chart of bars."""

    name: str
    count: int
    address: str = ""
    mark: str = ""
    kind: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of a list."""

    first: int
    """From 1."""
    last: int
    whole: int
    earlier: str
    """Address of the stretch before; empty: none."""
    later: str


def window(whole: int, start: int, length: int, address: str) -> Window:
    """The stretch of a list that begins at ``start`` (from 0); ``address`` ends where the number of another start goes."""
    start = max(min(start, whole - 1), 0) // length * length
    last = min(start + length, whole)
    return Window(
        first=start + 1,
        last=last,
        whole=whole,
        earlier=f"{address}{max(start - length, 0)}" if start else "",
        later=f"{address}{last}" if last < whole else "",
    )
