"""What verifiers say of attempts, and the scores that a choice among attempts is made by."""

from __future__ import annotations

from typing import Literal

from pydantic import JsonValue

from r2egym.records.base import Record
from r2egym.records.grading import Failure

TestOutcome = Literal["resolved", "reproduced", "other"]
"""What a generated test says of a patch: the problem is gone, it is still there, or something else went wrong."""


class Scores(Record):
    """What is known of one attempt when one of K is to be chosen. None is unknown, never a number in between."""

    attempt: int = 0
    truth: float | None = None
    """What grading said: 1.0 or 0.0; None: masked, so the attempt is left out of every estimate."""
    regression: float | None = None
    """RS: regression tests passed, a number or a share; comparable within a task."""
    tests: float | None = None
    """TS: generated tests passed, likewise."""
    judge: float | None = None
    """s_EF: P(YES) / (P(YES) + P(NO))."""
    other: dict[str, float | None] = {}
    """Scores of further verifiers, by their names."""


class Verdict(Record):
    """What a verifier says of one attempt, without the hidden tests: a line of ``verdicts.jsonl``."""

    instance_id: str
    attempt: int
    """From 0."""
    identity: str
    """Of the attempt; see Trajectory."""
    verifier: str
    """``execution``, ``execution-free``, or the name of another one."""
    terms: str
    """Content hash of all that the verdict depends on beside the attempt: prompt, model, tests, options."""
    score: float | None = None
    """Execution-free: s_EF. Execution: None, since s_EB depends on the other attempts. Others: theirs. None: unknown."""
    regression: int | None = None
    """Regression tests passed."""
    regression_total: int | None = None
    tests: int | None = None
    """Generated tests passed."""
    tests_total: int | None = None
    outcomes: dict[str, TestOutcome] = {}
    """Generated test → what it said; those that say nothing about any patch are left out."""
    broken: tuple[str, ...] = ()
    """Ids of regression tests that did not pass."""
    patch: str = ""
    """Content hash of what was run of the patch."""
    how: Literal["", "logprobs", "votes"] = ""
    """Execution-free: whether P(YES) was read from log probabilities or counted among sampled answers."""
    note: str = ""
    """Why there is no score, or what else a reader should know; one line."""
    failure: Failure | None = None
    """What the machinery broke; such an attempt is verified again by the next call."""
    details: dict[str, JsonValue] = {}
