"""When things were released, as far as discovery must know: which Python a commit can have been written for.

The one table here is of CPython's feature releases; later ones are expected in October of each year, as PEP 602 has it.
"""

from __future__ import annotations

from datetime import UTC, datetime

_RELEASED = {
    (3, 6): (2016, 12, 23),
    (3, 7): (2018, 6, 27),
    (3, 8): (2019, 10, 14),
    (3, 9): (2020, 10, 5),
    (3, 10): (2021, 10, 4),
    (3, 11): (2022, 10, 24),
    (3, 12): (2023, 10, 2),
    (3, 13): (2024, 10, 7),
    (3, 14): (2025, 10, 7),
}
_SETTLING = 120 * 86400.0
"""Seconds after its release by which test runners and build tools work on a new Python."""
_TOOLS_FLOOR = datetime(2019, 6, 1, tzinfo=UTC).timestamp()
"""Test runners and build tools are never older than this: pytest 4.6, setuptools 41. What came before cannot be driven
by today's installers."""


def released(minor: str) -> float:
    """When a Python ``MAJOR.MINOR`` came out, seconds since 1970."""
    major, number = (int(part) for part in minor.split("."))
    date = _RELEASED.get((major, number)) or (2011 + number, 10, 7)
    return datetime(*date, tzinfo=UTC).timestamp()


def tools_floor(minor: str) -> float:
    """The earliest date as of which test runners and build tools are taken for that Python."""
    return max(released(minor) + _SETTLING, _TOOLS_FLOOR)


def rfc3339(moment: float) -> str:
    """Seconds since 1970 as text, to the second."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
