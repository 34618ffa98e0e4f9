"""From the lines of a sealed run to verdicts: which place each is about, and whether what was got there is right."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from r2egym.sandboxes.base import Backend, SandboxConfig
from r2egym.testing.events import Report
from r2egym.testing.judge import holds
from r2egym.testing.patterns import match_all
from r2egym.testing.raised import is_raised
from r2egym.testing.reading import UnreadableError, canonical, decode
from r2egym.testing.twins import CompiledTests

_PATIENCE = 15.0
"""Seconds of this machine's time that the findings of one run may take to be judged; what is left then is opaque."""


_IDENTITIES = frozenset({"is", "isnot"})


class Verdict(StrEnum):
    """What was got at one place; of several findings the worst counts."""

    RIGHT = "right"
    OPAQUE = "opaque"
    """No plain data, so nothing can be said."""
    WRONG = "wrong"


class Finding(NamedTuple):
    """What one line comes to."""

    test: str
    place: str
    """``site``, ``site:constants``; a ``?`` at the end: compared inside, for want of plain data."""
    verdict: Verdict
    sides: tuple[str, str] | None = None
    """Digests of both operands, where both come from the project."""


class Court:
    """Judges findings one by one."""

    def __init__(self, compiled: CompiledTests) -> None:
        self.sites = compiled.sites
        self.constants = [constant["v"] for constant in compiled.constants]
        self.ends = time.thread_time() + _PATIENCE

    def findings(
        self, backend: Backend, clean: SandboxConfig, report: Report, ids: Sequence[str]
    ) -> Iterator[Finding]:
        """All findings; those that a pattern decides come last."""
        later: list[tuple[str, str, bool]] = []
        pairs: list[tuple[str, str]] = []
        for index, line in report.findings:
            number = line.get("s")
            if type(number) is not int or not 0 <= number < len(self.sites):
                report.alarm("a finding of a place that does not exist")
                continue
            site = self.sites[number]
            asked = _pattern(site, line, self.constants)
            place = _place(number, line)
            if asked is not None:
                later.append((ids[index], place, site["op"] != "noregex"))
                pairs.append(asked)
            else:
                yield Finding(ids[index], place, self.judge(site, line), self.sides(site, line, place))
        for (test, place, wanted), matches in zip(later, match_all(backend, clean, pairs), strict=True):
            yield Finding(test, place, Verdict.OPAQUE if matches is None else _verdict(matches is wanted))

    def sides(self, site: dict[str, Any], line: dict[str, Any], place: str) -> tuple[str, str] | None:
        """Both operands, where nothing of them was withheld and both are plain."""
        if site["op"] != "eq" or not place.isdigit() or "r" in line or time.thread_time() > self.ends:
            return None
        try:
            return _digest(decode(line.get("v"))), _digest(decode(line.get("w")))
        except UnreadableError:
            return None

    def judge(self, site: dict[str, Any], line: dict[str, Any]) -> Verdict:
        """What one finding says."""
        op = site["op"]
        if op == "truth":
            return _verdict(line.get("r") is site["wanted"])
        if op == "raises":
            return _verdict(is_raised(line.get("e"), site["kinds"]))
        if "r" in line:
            return _verdict(line["r"] is True)
        if time.thread_time() > self.ends:
            return Verdict.OPAQUE
        try:
            wanted = decode(line.get("w"), self.constants)
            if (
                op in _IDENTITIES
                and (wanted is None or isinstance(wanted, bool))
                and _is_object(line.get("v"))
            ):
                right = op == "isnot"
            else:
                options = {
                    name: decode(value) for name, value in site.items() if name not in {"op", "wanted"}
                }
                right = holds(op, decode(line.get("v")), wanted, options)
        except UnreadableError:
            return Verdict.OPAQUE
        return _verdict(right)


def _is_object(data: Any) -> bool:
    """Whether it says that an object is there, though not which: none of those is None, True or False."""
    return isinstance(data, list) and data[:1] == ["o"]


def _digest(value: Any) -> str:
    return hashlib.sha256(canonical(value).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _verdict(right: bool) -> Verdict:  # noqa: FBT001 - a judgement
    return Verdict.RIGHT if right else Verdict.WRONG


def _pattern(site: dict[str, Any], line: dict[str, Any], constants: Sequence[Any]) -> tuple[str, str] | None:
    """The pattern and the text that decide; None when no pattern does."""
    op = site["op"]
    try:
        if op == "raises" and site["pattern"] is not None and is_raised(line.get("e"), site["kinds"]):
            pattern, text = decode(site["pattern"]), line.get("m")
        elif op in {"regex", "noregex"}:
            pattern, text = decode(line.get("w"), constants), decode(line.get("v"))
        else:
            return None
    except UnreadableError:
        return None
    return (pattern, text) if isinstance(pattern, str) and isinstance(text, str) else None


def _place(number: int, line: dict[str, Any]) -> str:
    constants = sorted(set(_constants(line.get("w"))))
    inside = "?" if "r" in line and "w" in line else ""
    return f"{number}" + (":" + ",".join(map(str, constants)) if constants else "") + inside


def _constants(data: Any) -> Iterator[int]:
    pending = [data]
    while pending:
        part = pending.pop()
        if not isinstance(part, list):
            continue
        if len(part) == 2 and part[0] == "w" and type(part[1]) is int:  # noqa: PLR2004 - tag and number
            yield part[1]
        else:
            pending.extend(part)


def site_of(place: str) -> int:
    """The number of a place's site."""
    return int(place.rstrip("?").partition(":")[0])
