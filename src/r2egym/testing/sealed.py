"""The sealed run (run B): expected values never enter the sandbox; what tests got is judged here.

:func:`run_sealed` says of every place of every test whether what was got is right. Which places can be relied upon is
learnt from gold by :func:`calibrate`; :func:`held` holds another run against that.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Any

from r2egym.records import Calibration, Recipe, Record, Strength, TestStatus
from r2egym.sandboxes.base import Backend, SandboxConfig
from r2egym.testing.events import Report
from r2egym.testing.judge import UnreadableError, decode, holds
from r2egym.testing.machinery import SEALED, cleared, command, package, run_job
from r2egym.testing.patterns import match_all
from r2egym.testing.raised import is_raised
from r2egym.testing.statuses import TestRun
from r2egym.testing.twins import CompiledTests, function_of, read_run

_PATIENCE = 15.0
"""Seconds of this machine's time that the findings of one run may take to be judged; what is left then is opaque."""


class Verdict(StrEnum):
    """What was got at one place; of several findings the worst counts."""

    RIGHT = "right"
    OPAQUE = "opaque"
    """No plain data, so nothing can be said."""
    WRONG = "wrong"


class SealedRun(Record):
    """One sealed run. Places are ``site``, ``site:constants``; a ``?`` at the end: compared inside, for want of plain data."""

    run: TestRun
    """Ids as they are in this run: where a parameter was withheld, another text stands in the brackets."""
    verdicts: dict[str, dict[str, Verdict]] = {}
    """Test id → place → verdict."""


class Held(Record):
    """A sealed run, held against what gold does."""

    contradicted: tuple[str, ...] = ()
    """Tests at least one of whose values is wrong."""
    missing: tuple[str, ...] = ()
    """Tests that did not hand out all that gold does, or not as plain data, or did not come to their end."""


def sealed_digest(compiled: CompiledTests) -> str:
    """Identity of the sites and constants of sealed tests; 16 hex digits."""
    text = json.dumps([compiled.sites, compiled.constants], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def run_sealed(
    backend: Backend,
    config: SandboxConfig,
    clean_config: SandboxConfig,
    recipe: Recipe,
    compiled: CompiledTests,
    *,
    timeout: float,
    test_timeout: float = 60.0,
) -> SealedRun:
    """Run sealed tests in a fresh sandbox, and judge what they hand out.

    Args:
        backend: where.
        config: the patched source at ``/testbed``, with stubs in place of the test modules.
        clean_config: a sandbox that holds nothing of the patch.
        recipe: how the repository is tested.
        compiled: from ``compile_tests(…, mode="sealed")``.
        timeout: wall seconds for all of it.
        test_timeout: wall seconds for one test.

    Raises:
        SandboxError: the sandbox broke.
    """
    job = run_job(recipe, compiled.modules, test_timeout)
    job |= {"codes": compiled.codes, "settings": compiled.settings, "sealed": True}
    done = backend.run(cleared(config, 0), command(), timeout=timeout, stdin=package(SEALED, job))
    report = Report(done, job["nonce"])
    run, ids = read_run(compiled, report)
    court = _Court(compiled)
    found: dict[str, dict[str, Verdict]] = {}
    for test, place, verdict in court.findings(backend, clean_config, report, ids):
        places = found.setdefault(test, {})
        places[place] = max(places.get(place, Verdict.RIGHT), verdict, key=list(Verdict).index)
    return SealedRun(run=run, verdicts=found)


class _Court:
    """Judges findings one by one."""

    def __init__(self, compiled: CompiledTests) -> None:
        self.sites = compiled.sites
        self.constants = [constant["v"] for constant in compiled.constants]
        self.ends = time.thread_time() + _PATIENCE

    def findings(
        self, backend: Backend, clean: SandboxConfig, report: Report, ids: Sequence[str]
    ) -> Iterator[tuple[str, str, Verdict]]:
        """Test id, place, verdict."""
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
                yield ids[index], place, self.judge(site, line)
        for (test, place, wanted), matches in zip(later, match_all(backend, clean, pairs), strict=True):
            yield test, place, Verdict.RIGHT if matches == wanted else Verdict.WRONG

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
            got, wanted = decode(line.get("v")), decode(line.get("w"), self.constants)
            options = {name: decode(value) for name, value in site.items() if name not in {"op", "wanted"}}
        except UnreadableError:
            return Verdict.OPAQUE
        return _verdict(holds(op, got, wanted, options))


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


# --- what can be relied upon ---


def calibrate(compiled: CompiledTests, plain: TestRun, runs: Sequence[SealedRun]) -> Calibration:
    """What every sealed run of gold does, for the tests that pass in run A.

    Args:
        compiled: the sealed tests.
        plain: run A of gold, whose ids are those of the row.
        runs: sealed runs of gold.
    """
    first = runs[0].run
    names = _names(plain.census, first.census)
    tests = {}
    for test, name in names.items():
        if plain.statuses.get(test) is not TestStatus.PASSED:
            continue
        if any(one.run.statuses.get(name) is not TestStatus.PASSED for one in runs):
            continue
        places = set.intersection(*(_right(one.verdicts.get(name, {})) for one in runs))
        tests[test] = tuple(sorted(places, key=_order))
    changed = {test: names[test] for test in tests if names[test] != test}
    return Calibration(digest=sealed_digest(compiled), tests=tests, names=changed)


def _names(real: Sequence[str], sealed: Sequence[str]) -> dict[str, str]:
    """Id of a row → id in the sealed run; functions whose rows differ in number are left out."""
    rows: tuple[dict[str, list[str]], dict[str, list[str]]] = ({}, {})
    for side, census in zip(rows, (real, sealed), strict=True):
        for test in census:
            side.setdefault(function_of(test), []).append(test)
    return {
        test: name
        for function, tests in rows[0].items()
        if len(tests) == len(rows[1].get(function, ()))
        for test, name in zip(tests, rows[1][function], strict=True)
    }


def _right(verdicts: dict[str, Verdict]) -> set[str]:
    """Places all of whose findings are right, at sites where nothing else was found."""
    bad = {_site(place) for place, verdict in verdicts.items() if verdict is not Verdict.RIGHT}
    return {place for place in verdicts if _site(place) not in bad}


def _site(place: str) -> int:
    return int(place.rstrip("?").partition(":")[0])


def _order(place: str) -> tuple[int, str]:
    return _site(place), place


def held(calibration: Calibration, sealed: SealedRun, tests: Sequence[str]) -> Held:
    """What a sealed run contradicts, and what it fails to show, of tests that passed in run A."""
    contradicted, missing = [], []
    for test in tests:
        places = calibration.tests.get(test)
        if places is None:
            continue
        name = calibration.names.get(test, test)
        found = sealed.verdicts.get(name, {})
        known = {_site(place) for place in places}
        if any(verdict is Verdict.WRONG and _site(place) in known for place, verdict in found.items()):
            contradicted.append(test)
        elif sealed.run.statuses.get(name) is not TestStatus.PASSED or any(
            found.get(place) is not Verdict.RIGHT for place in places
        ):
            missing.append(test)
    return Held(contradicted=tuple(contradicted), missing=tuple(missing))


_SECRET = frozenset({
    "eq", "list", "tuple", "dict", "set", "text", "seq", "count", "almost", "npeq", "allclose", "npalmost",
})  # fmt: skip
"""Comparisons that only the right value passes."""
_FEW = (None, True, False, ["i", "0"], ["i", "1"], ["i", "-1"])


def strengths(
    compiled: CompiledTests, calibration: Calibration, base: SealedRun, tests: Sequence[str]
) -> dict[str, Strength]:
    """How strongly the answers of tests are withheld, by places that the base does not get right anyway.

    ``strong``: a value that cannot be guessed and that nothing in the test shows; ``polarity``: one of a few (a truth
    value, a class of exceptions, a part of a text, a small number); ``none``: all that decides comes from the patch.
    """
    found: dict[str, Strength] = {}
    for test in tests:
        already = _right(base.verdicts.get(calibration.names.get(test, test), {}))
        places = [place for place in calibration.tests.get(test, ()) if place not in already]
        kinds = {_strength(compiled, place) for place in places}
        found[test] = next((kind for kind in _STRENGTHS if kind in kinds), "none")
    return found


_STRENGTHS: tuple[Strength, ...] = ("strong", "polarity", "none")


def _strength(compiled: CompiledTests, place: str) -> Strength:
    site = compiled.sites[_site(place)]
    numbers = [int(part) for part in place.rstrip("?").partition(":")[2].split(",") if part]
    if site["op"] == "truth":
        return "none" if site.get("open") else "polarity"
    if site["op"] == "raises":
        return "polarity"
    if not numbers:
        return "none"
    secret = [
        not (entry["visible"] or is_trivial(entry["v"])) for entry in (compiled.constants[n] for n in numbers)
    ]
    return "strong" if site["op"] in _SECRET and any(secret) else "polarity"


def is_trivial(data: Any) -> bool:
    """Whether a constant is one of the few that anybody would try first: 0, 1, -1, 1.0, None, True, nothing at all."""
    if data in _FEW or not isinstance(data, list):
        return True
    tag, value = data[0], data[1]
    if tag in {"l", "t", "S", "q", "d", "D", "s", "b"}:
        return not value or (tag in {"l", "t"} and len(value) == 1 and is_trivial(value[0]))
    if tag == "~":
        return is_trivial(value[0])
    if tag == "f":
        return abs(float.fromhex(value)) in {0.0, 1.0}
    return tag in {"T", "k"}
