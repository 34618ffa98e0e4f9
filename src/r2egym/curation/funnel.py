"""The funnel: how many commits each stage saw, kept and rejected, by reason, with examples.

Every commit that mining looked at is in it exactly once: as a task, or under the stage and reason that ended it.
"""

from __future__ import annotations

from typing import Any, Literal

from r2egym.errors import TaskError
from r2egym.records import Record

Stage = Literal["mine", "select", "build", "classify", "prove", "describe"]
STAGES: tuple[Stage, ...] = ("mine", "select", "build", "classify", "prove", "describe")
"""In the order in which a commit meets them."""

_EXAMPLES = 5


class Rejected(Record):
    """Why a commit is not a task."""

    commit: str
    stage: Stage
    reason: str
    """A short stable code."""
    detail: str = ""
    """One line for people."""


class NotATaskError(TaskError):
    """Ends the work on a candidate: a stage turned it away. Becomes a :class:`Rejected`, never reaches a user.

    Args:
        stage: which stage.
        reason: short stable code that the funnel counts.
        detail: one line for people.
    """

    def __init__(self, stage: Stage, reason: str, detail: str) -> None:
        super().__init__(f"{stage}: {reason}: {detail}")
        self.stage = stage
        self.reason = reason
        self.detail = detail

    def rejected(self, commit: str) -> Rejected:
        """The record of it."""
        return Rejected(commit=commit, stage=self.stage, reason=self.reason, detail=self.detail[:500])


class Funnel:
    """Counts outcomes. Equal outcomes, in any order, give an equal :meth:`summary`."""

    def __init__(self) -> None:
        self._rejected: list[Rejected] = []
        self._kept = 0

    def reject(self, rejected: Rejected) -> None:
        """Count a commit out."""
        self._rejected.append(rejected)

    def keep(self) -> None:
        """Count a commit as a task."""
        self._kept += 1

    def summary(self) -> list[dict[str, Any]]:
        """One entry a stage; examples are the first few commits of each reason in the order of their hashes."""
        left = len(self._rejected) + self._kept
        stages = []
        for stage in STAGES:
            reasons: dict[str, list[Rejected]] = {}
            for rejected in self._rejected:
                if rejected.stage == stage:
                    reasons.setdefault(rejected.reason, []).append(rejected)
            lost = sum(map(len, reasons.values()))
            by_size = sorted(reasons.items(), key=lambda item: (-len(item[1]), item[0]))
            told = {reason: _entry(found) for reason, found in by_size}
            stages.append({"stage": stage, "seen": left, "kept": left - lost, "rejected": told})
            left -= lost
        return stages


def _entry(found: list[Rejected]) -> dict[str, Any]:
    first = sorted(found, key=lambda rejected: rejected.commit)[:_EXAMPLES]
    return {
        "count": len(found),
        "examples": [{"commit": rejected.commit, "detail": rejected.detail} for rejected in first],
    }
