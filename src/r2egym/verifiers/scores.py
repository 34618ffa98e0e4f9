"""The scores of one task's attempts, together."""

from __future__ import annotations

from dataclasses import dataclass

from r2egym.records import Scores


@dataclass(frozen=True, slots=True)
class TaskScores:
    """What is known of the attempts at one task."""

    instance_id: str
    rows: tuple[Scores, ...]
