"""What a dataset is like, as numbers: counted from its rows, and read from ``funnel.json`` and ``timing.json`` beside them."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from r2egym.errors import DatasetError
from r2egym.mining import PatchError, parse_patch
from r2egym.records import Record, Strength, Task
from r2egym.tasks.seals import STRENGTHS, seal_of, strengths_of
from r2egym.tasks.store import FUNNEL, TIMING

_PATCH_BYTES = 1 << 30


class Spread(Record):
    """How a number is distributed; all zero when there is nothing to count."""

    min: float
    median: float
    p90: float
    max: float


class Sizes(Record):
    """How large tasks are."""

    files: Spread
    """Files of the gold patch."""
    lines: Spread
    """Lines that it adds and deletes."""
    fail_to_pass: Spread
    """Tests that must begin to pass."""
    pass_to_pass: Spread
    """Tests that must go on passing."""


class Flake(Record):
    """How far the tests of a dataset could be relied on."""

    tests: int
    """All tests that were seen, those that were left out too."""
    flaky: int
    """Those that did not agree with themselves; they are in no list."""
    share: float
    """``flaky / tests``."""
    tasks_with_flaky: int
    unsupported: int
    """Tests that pass plainly and not when graded; left out too."""
    tasks_with_unsupported: int


class Seals(Record):
    """How strongly the answers of a dataset's tests can be withheld from what is graded."""

    tasks: int
    """Tasks of which a sealed run told it."""
    unknown: int
    """Tasks of which none did."""
    tests: dict[Strength, int]
    """F2P tests by strength."""
    strongest: dict[Strength, int]
    """Tasks by their most strongly sealed F2P test."""
    forgeable: int
    """Tasks without a strong one."""


class StageTime(Record):
    """What a stage took."""

    candidates: int
    """How many came so far."""
    total: float
    """Seconds, of all candidates together."""
    median: float
    """Seconds a candidate."""
    p95: float


class Times(Record):
    """What a curation took."""

    seconds: float
    """Wall seconds of its last run."""
    resumed: int
    """Candidates that an earlier run had done."""
    worked: float
    """Seconds of all stages of all candidates, in whatever run; more than wall time where several ran at once."""
    stages: dict[str, StageTime]
    candidate: StageTime
    """All stages of a candidate together."""
    candidates_a_minute: float | None
    """Of the last run; None when it had nothing to do."""


class Yield(Record):
    """How many commits came how far."""

    repository: str
    commits: int
    candidates: int
    built: int
    """Candidates less those that were rejected while their tests were selected or their environment was built."""
    proven: int
    """Tasks."""
    failures: int
    """Candidates of which nothing is known: the machinery failed."""
    reasons: dict[str, int]
    """Why candidates were rejected, the commonest first."""
    stages: tuple[dict[str, Any], ...]
    """As ``funnel.json`` has them."""


def sizes(tasks: Sequence[Task]) -> Sizes:
    """How large the tasks are, computed from their own patches and tests."""
    measured = [_patch_size(task.patch) for task in tasks]
    return Sizes(
        files=_spread([files for files, _ in measured]),
        lines=_spread([lines for _, lines in measured]),
        fail_to_pass=_spread([len(task.fail_to_pass) for task in tasks]),
        pass_to_pass=_spread([len(task.pass_to_pass) for task in tasks]),
    )


def flake(tasks: Sequence[Task]) -> Flake:
    """How far the tests could be relied on."""
    flaky = sum(len(task.validation.flaky) for task in tasks)
    unsupported = sum(len(task.validation.unsupported) for task in tasks)
    stable = sum(len(task.base_statuses.keys() | task.gold_statuses.keys()) for task in tasks)
    tests = stable + flaky + unsupported
    return Flake(
        tests=tests,
        flaky=flaky,
        share=flaky / tests if tests else 0.0,
        tasks_with_flaky=sum(bool(task.validation.flaky) for task in tasks),
        unsupported=unsupported,
        tasks_with_unsupported=sum(bool(task.validation.unsupported) for task in tasks),
    )


def seals(tasks: Sequence[Task]) -> Seals:
    """How strongly answers can be withheld, as the rows say."""
    best = [strength for task in tasks if (strength := seal_of(task)) is not None]
    tests = [strengths_of(task) for task in tasks]
    return Seals(
        tasks=len(best),
        unknown=len(tasks) - len(best),
        tests={strength: sum(counts[strength] for counts in tests) for strength in STRENGTHS},
        strongest={strength: best.count(strength) for strength in STRENGTHS},
        forgeable=sum(strength != "strong" for strength in best),
    )


def read_yield(root: Path | None) -> Yield | None:
    """What ``funnel.json`` says; None when there is none. Raises DatasetError when it cannot be read."""
    said = _read(root, FUNNEL)
    if said is None:
        return None
    try:
        return _yield(said)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise DatasetError(f"{root}/{FUNNEL}: not a funnel ({type(error).__name__}: {error})") from None


def read_times(root: Path | None) -> Times | None:
    """What ``timing.json`` says; None when there is none. Raises DatasetError when it cannot be read."""
    said = _read(root, TIMING)
    if said is None:
        return None
    try:
        return _times(said)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise DatasetError(f"{root}/{TIMING}: no times ({type(error).__name__}: {error})") from None


def _read(root: Path | None, name: str) -> dict[str, Any] | None:
    if root is None or not (root / name).is_file():
        return None
    try:
        said = json.loads((root / name).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DatasetError(f"{root / name}: cannot be read: {error}") from None
    return said if isinstance(said, dict) else {}


def _yield(said: dict[str, Any]) -> Yield:
    lost: dict[str, int] = {}
    reasons: dict[str, int] = {}
    for stage in said["stages"]:
        for reason, entry in stage["rejected"].items():
            lost[stage["stage"]] = lost.get(stage["stage"], 0) + int(entry["count"])
            if stage["stage"] != "mine":
                reasons[reason] = reasons.get(reason, 0) + int(entry["count"])
    return Yield(
        repository=said["repository"],
        commits=said["commits"],
        candidates=said["candidates"],
        built=said["candidates"] - lost.get("select", 0) - lost.get("build", 0),
        proven=said["tasks"],
        failures=len(said.get("failures", ())),
        reasons=dict(sorted(reasons.items(), key=lambda item: (-item[1], item[0]))),
        stages=tuple(said["stages"]),
    )


def _times(said: dict[str, Any]) -> Times:
    stages: dict[str, list[float]] = {}
    for candidate in said["candidates"].values():
        for stage, seconds in candidate.items():
            stages.setdefault(stage, []).append(float(seconds))
    whole = [sum(map(float, candidate.values())) for candidate in said["candidates"].values()]
    fresh = len(whole) - int(said["resumed"])
    wall = float(said["seconds"])
    return Times(
        seconds=wall,
        resumed=said["resumed"],
        worked=sum(whole),
        stages={stage: _stage(seconds) for stage, seconds in stages.items()},
        candidate=_stage(whole),
        candidates_a_minute=fresh * 60 / wall if fresh > 0 and wall else None,
    )


def _stage(seconds: list[float]) -> StageTime:
    return StageTime(
        candidates=len(seconds),
        total=sum(seconds),
        median=median(seconds) if seconds else 0.0,
        p95=_percentile(seconds, 0.95),
    )


def _patch_size(patch: str) -> tuple[int, int]:
    """Files and lines of a patch; of one that cannot be parsed (a foreign row's, say), by its look."""
    try:
        files = parse_patch(patch, max_bytes=_PATCH_BYTES)
    except PatchError:
        lines = patch.splitlines()
        changed = [line for line in lines if line[:1] in "+-" and not line.startswith(("+++ ", "--- "))]
        return sum(line.startswith("diff --git ") for line in lines), len(changed)
    return len(files), sum(
        line.startswith(("+", "-")) for file in files for hunk in file.hunks for line in hunk.lines
    )


def _spread(numbers: list[int]) -> Spread:
    if not numbers:
        return Spread(min=0, median=0, p90=0, max=0)
    return Spread(min=min(numbers), median=median(numbers), p90=_percentile(numbers, 0.9), max=max(numbers))


def _percentile(numbers: Sequence[float], share: float) -> float:
    """The least number that so large a share of them does not exceed."""
    return sorted(numbers)[math.ceil(share * len(numbers)) - 1] if numbers else 0.0
