"""How strongly the answers of tests are withheld, by the places that decide."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from r2egym.records import Calibration, Strength
from r2egym.testing.court import site_of
from r2egym.testing.sealed import SealedRun, right_places
from r2egym.testing.twins import CompiledTests

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
    value, a class of exceptions, a part of a text, a small number) or told by other code of the project; ``none``: all that
    decides comes from the patch.
    """
    found: dict[str, Strength] = {}
    for test in tests:
        already = right_places(base.verdicts.get(calibration.names.get(test, test), {}))
        places = [place for place in calibration.tests.get(test, ()) if place not in already]
        agreed = calibration.agreed.get(test, {})
        kinds = {"polarity" if place in agreed else _strength(compiled, place) for place in places}
        found[test] = next((kind for kind in _STRENGTHS if kind in kinds), "none")
    return found


_STRENGTHS: tuple[Strength, ...] = ("strong", "polarity", "none")


def _strength(compiled: CompiledTests, place: str) -> Strength:
    site = compiled.sites[site_of(place)]
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
