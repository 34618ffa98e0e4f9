"""What grading says, and why it sometimes says nothing."""

from __future__ import annotations

from typing import Literal

from r2egym.records.base import Record
from r2egym.records.tasks import Strength, TestStatus


class Failure(Record):
    """Why there is no reward: the machinery's fault, not the patch's."""

    boundary: Literal["task", "sandbox", "model", "agent", "grader"]
    cause: str
    """One line."""
    policy_could_cause: bool = False
    """Whether a patch could have provoked it (a timeout can be; a full disk of the host cannot)."""


class Reward(Record):
    """What grading says of one patch. ``resolved``, ``score`` and ``published`` are all None on a failure."""

    instance_id: str
    resolved: bool | None
    score: float | None
    """1.0 when resolved, else 0.0."""
    f2p: dict[str, TestStatus] = {}
    p2p: dict[str, TestStatus] = {}
    published: Literal[0, 1] | None = None
    """The published rule: 1 when the whole map of statuses equals the expected one."""
    ignored: tuple[str, ...] = ()
    """Paths of the patch that were left out: tests and control files."""
    tampering: tuple[str, ...] = ()
    """Contradictions found, one line each; any of them makes the score 0."""
    seal: dict[str, Strength] = {}
    """F2P test id → how strongly its answer is withheld; empty when nothing was sealed."""
    failure: Failure | None = None
    note: str = ""
    """Why it was not resolved, when no test tells: not a patch, does not apply, empty, timed out; one line."""
    duration: float = 0.0
    """Wall seconds."""
