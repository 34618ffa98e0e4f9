"""How strongly the answers of tasks are withheld, as their rows say."""

from __future__ import annotations

from r2egym.records import Strength, Task

STRENGTHS: tuple[Strength, ...] = ("strong", "polarity", "none")
"""The strongest first."""


def seal_of(task: Task) -> Strength | None:
    """The strength of its most strongly sealed F2P test; None when no sealed run has told."""
    told = task.validation.seal
    return next((strength for strength in STRENGTHS if strength in told.values()), None)


def strengths_of(task: Task) -> dict[Strength, int]:
    """How many of its F2P tests are sealed how; the strongest first."""
    told = list(task.validation.seal.values())
    return {strength: told.count(strength) for strength in STRENGTHS}


def sealed_at_least(task: Task, least: Strength) -> bool:
    """Whether some F2P test's answer is withheld as strongly as ``least``; what is not known is not."""
    own = seal_of(task)
    return own is not None and STRENGTHS.index(own) <= STRENGTHS.index(least)
