"""Frozen records that cross rooms.

Records hold data and nothing else: no input or output, no analysis. Each is immutable, refuses unknown fields and
turns into JSON and back without loss. :func:`content_hash` gives a record its identity; an index, a position in a file
or the name of an image never does.
"""

from __future__ import annotations

from r2egym.records.base import Record, content_hash
from r2egym.records.commands import ExecResult
from r2egym.records.dialogue import Answer, Message, Request, TokenLogprob, ToolCall, Usage
from r2egym.records.grading import Failure, Reward
from r2egym.records.rollouts import ExitReason, RolloutLimits, Step, Trajectory
from r2egym.records.tasks import (
    SCHEMA_VERSION,
    Calibration,
    Commit,
    Environment,
    HiddenFile,
    HiddenTests,
    Mutation,
    Recipe,
    Size,
    Strength,
    Task,
    TestStatus,
    Validation,
)
from r2egym.records.verification import Scores, TestOutcome, Verdict

__all__ = [
    "SCHEMA_VERSION",
    "Answer",
    "Calibration",
    "Commit",
    "Environment",
    "ExecResult",
    "ExitReason",
    "Failure",
    "HiddenFile",
    "HiddenTests",
    "Message",
    "Mutation",
    "Recipe",
    "Record",
    "Request",
    "Reward",
    "RolloutLimits",
    "Scores",
    "Size",
    "Step",
    "Strength",
    "Task",
    "TestOutcome",
    "TestStatus",
    "TokenLogprob",
    "ToolCall",
    "Trajectory",
    "Usage",
    "Validation",
    "Verdict",
    "content_hash",
]
