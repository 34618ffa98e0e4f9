"""When things were released, as far as discovery must know: which Python a commit can have been written for.

The one table here is of CPython's feature releases; later ones are expected in October of each year, as PEP 602 has it.
"""

from __future__ import annotations

from datetime import UTC, datetime

_RELEASED = {
    (2, 7): (2010, 7, 3),
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
_TOOLS_FLOOR = datetime(2019, 6, 15, tzinfo=UTC).timestamp()
"""Test runners and build tools are never older than this: pytest 4.6, setuptools 41. What came before cannot be driven
by today's installers."""

_PYTHON2_FLOOR = datetime(2020, 7, 1, tzinfo=UTC).timestamp()
"""For Python 2.7, the time by which the last of them for it were out: pytest 4.6.11, setuptools 44.1.1."""

_TIMELESS = (
    "pytest", "pluggy", "iniconfig", "packaging", "attrs", "py", "tomli", "toml", "exceptiongroup", "atomicwrites",
    "more-itertools", "importlib-metadata", "zipp", "typing-extensions", "pathlib2", "six", "pygments", "colorama", "wcwidth",
    "pyparsing", "setuptools", "wheel", "pip", "flit-core", "hatchling", "poetry-core", "pdm-backend", "setuptools-scm",
    "vcs-versioning", "hatch-vcs", "pathspec", "trove-classifiers", "editables", "cython",
)  # fmt: skip
_TIMELESS_2 = ("funcsigs", "configparser", "contextlib2", "scandir", "backports-functools-lru-cache")
"""What these need beside, on Python 2.7."""
_UPLOADED_AGAIN = {"atomicwrites": datetime(2022, 8, 1, tzinfo=UTC).timestamp()}
"""Projects whose old releases were taken down and put up again, so that the index tells a wrong date of them."""


def floors(minor: str) -> dict[str, float]:
    """Test runners and build tools, with what these need, and the earliest date as of which each is taken.

    They are not part of what a commit was written against: where the only Python at hand is younger than the commit,
    they are taken as of that Python's time.
    """
    names = _TIMELESS + _TIMELESS_2 if minor == "2.7" else _TIMELESS
    return dict.fromkeys(names, tools_floor(minor)) | _UPLOADED_AGAIN


def released(minor: str) -> float:
    """When a Python ``MAJOR.MINOR`` came out, seconds since 1970."""
    major, number = (int(part) for part in minor.split("."))
    date = _RELEASED.get((major, number)) or (2011 + number, 10, 7)
    return datetime(*date, tzinfo=UTC).timestamp()


def tools_floor(minor: str) -> float:
    """The earliest date as of which test runners and build tools are taken for that Python."""
    floor = _PYTHON2_FLOOR if minor == "2.7" else _TOOLS_FLOOR
    return max(released(minor) + _SETTLING, floor)


def rfc3339(moment: float) -> str:
    """Seconds since 1970 as text, to the second."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
