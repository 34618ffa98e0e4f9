"""The sealed run (run B): expected values never enter the sandbox; what tests got is judged here.

:func:`run_sealed` says of every place of every test whether what was got is right. Which places can be relied upon is
learnt from gold by :func:`calibrate`; :func:`held` holds another run against that.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence

from r2egym.records import Calibration, Recipe, Record, TestStatus
from r2egym.sandboxes.base import Backend, SandboxConfig
from r2egym.testing.court import Court, Verdict, site_of
from r2egym.testing.events import Report
from r2egym.testing.machinery import SEALED, cleared, command, package, run_job
from r2egym.testing.statuses import TestRun
from r2egym.testing.twins import CompiledTests, function_of, read_run

Sides = tuple[tuple[str, ...], tuple[str, ...]]


class SealedRun(Record):
    """One sealed run. Places are ``site``, ``site:constants``; a ``?`` at the end: compared inside, for want of plain data."""

    run: TestRun
    """Ids as they are in this run: where a parameter was withheld, another text stands in the brackets."""
    verdicts: dict[str, dict[str, Verdict]] = {}
    """Test id → place → verdict."""
    sides: dict[str, dict[str, Sides]] = {}
    """Test id → place where two values of the project are compared → digests of what stood on either side."""


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
    found: dict[str, dict[str, Verdict]] = {}
    sides: dict[str, dict[str, tuple[set[str], set[str]]]] = {}
    for finding in Court(compiled).findings(backend, clean_config, report, ids):
        places = found.setdefault(finding.test, {})
        worst = max(places.get(finding.place, Verdict.RIGHT), finding.verdict, key=list(Verdict).index)
        places[finding.place] = worst
        if finding.sides is not None:
            both = sides.setdefault(finding.test, {}).setdefault(finding.place, (set(), set()))
            both[0].add(finding.sides[0])
            both[1].add(finding.sides[1])
    return SealedRun(
        run=run.model_copy(update={"alarms": tuple(report.alarms)}),
        verdicts=found,
        sides={
            test: {
                place: (tuple(sorted(left)), tuple(sorted(right))) for place, (left, right) in all_.items()
            }
            for test, all_ in sides.items()
        },
    )


# --- what can be relied upon ---


def calibrate(
    compiled: CompiledTests, plain: TestRun, runs: Sequence[SealedRun], base: SealedRun | None = None
) -> Calibration:
    """What every sealed run of gold does, for the tests that pass in run A.

    Where two values of the project are compared, base gets it wrong, and one side is on base what it is on gold, that side
    is code that the fix leaves alone: both sides must be what it says.

    Args:
        compiled: the sealed tests.
        plain: run A of gold, whose ids are those of the row.
        runs: sealed runs of gold.
        base: a sealed run of the empty patch.
    """
    first = runs[0].run
    names = _names(plain.census, first.census)
    tests = {}
    for test, name in names.items():
        if plain.statuses.get(test) is not TestStatus.PASSED:
            continue
        if any(one.run.statuses.get(name) is not TestStatus.PASSED for one in runs):
            continue
        places = set.intersection(*(right_places(one.verdicts.get(name, {})) for one in runs))
        tests[test] = tuple(sorted(places, key=_order))
    agreed = {
        test: found
        for test, places in tests.items()
        if base is not None and (found := _agreed(names[test], places, runs, base))
    }
    changed = {test: names[test] for test in tests if names[test] != test}
    return Calibration(digest=sealed_digest(compiled), tests=tests, names=changed, agreed=agreed)


def _agreed(
    name: str, places: Sequence[str], runs: Sequence[SealedRun], base: SealedRun
) -> dict[str, tuple[str, ...]]:
    already = right_places(base.verdicts.get(name, {}))
    found = {}
    for place in places:
        seen = {run.sides.get(name, {}).get(place) for run in runs}
        before = base.sides.get(name, {}).get(place)
        gold = seen.pop()
        if seen or gold is None or before is None or place in already or gold[0] != gold[1]:
            continue
        if gold[0] in before:
            found[place] = gold[0]
    return found


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


def right_places(verdicts: Mapping[str, Verdict]) -> set[str]:
    """Places all of whose findings are right, at sites where nothing else was found."""
    bad = {site_of(place) for place, verdict in verdicts.items() if verdict is not Verdict.RIGHT}
    return {place for place in verdicts if site_of(place) not in bad}


def _order(place: str) -> tuple[int, str]:
    return site_of(place), place


def held(calibration: Calibration, sealed: SealedRun, tests: Sequence[str]) -> Held:
    """What a sealed run contradicts, and what it fails to show, of tests that passed in run A."""
    contradicted, missing = [], []
    for test in tests:
        places = calibration.tests.get(test)
        if places is None:
            continue
        name = calibration.names.get(test, test)
        found = sealed.verdicts.get(name, {})
        known = {site_of(place) for place in places}
        if any(verdict is Verdict.WRONG and site_of(place) in known for place, verdict in found.items()):
            contradicted.append(test)
        elif (
            sealed.run.statuses.get(name) is not TestStatus.PASSED
            or any(found.get(place) is not Verdict.RIGHT for place in places)
            or any(
                sealed.sides.get(name, {}).get(place) != (answer, answer)
                for place, answer in calibration.agreed.get(test, {}).items()
            )
        ):
            missing.append(test)
    return Held(contradicted=tuple(contradicted), missing=tuple(missing))
