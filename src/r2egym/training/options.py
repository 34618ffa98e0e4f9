"""What an export is asked for, and what it tells when it is done."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import JsonValue

from r2egym.records import Record, Strength
from r2egym.verifiers import JudgePrompt

Purpose = Literal["editing", "testing", "verifier", "rl", "atif", "predictions"]
Log = Literal["whole", "no-thoughts", "patch-only"]
Thoughts = Literal["keep", "require", "drop"]

CONTEXT: dict[Purpose, int] = {"editing": 20_480, "testing": 20_480, "verifier": 32_768, "rl": 32_768}
"""Tokens of the published models' contexts: longer rows would be cut by the trainer, and a cut row teaches the wrong end."""
PER_TASK: dict[Purpose, int] = {"editing": 4, "testing": 4}
"""Most rows of one task, so that easy ones, which have many successes, do not drown the others."""


class ExportOptions(Record):
    """What is asked for."""

    purpose: Purpose
    dataset: str | None = None
    """Where the tasks are; None: where each run says."""
    tokenizer: str | None = None
    """A folder with ``tokenizer.json``, the file, or a model's name in the local cache of the hub; None: lengths are
    estimated from bytes, and ``rl`` cannot be."""
    max_tokens: int | None = None
    """Longest row; None: the published context of the purpose."""
    per_task: int | None = None
    """Most rows of one task; None: the default of the purpose; 0: all."""
    thoughts: Thoughts = "keep"
    """``require``: only attempts that say something before every call but the last; ``drop``: without what they say."""
    keep: tuple[str, ...] = ()
    """Reasons of rejection that shall not count."""
    min_seal: Strength = "none"
    """Only attempts at tasks with an F2P test whose answer is withheld this strongly, as their rows say."""
    log: Log = "whole"
    """Of a verifier's rows: how much of the interaction it sees."""
    opening: str = "auto"
    """Under which prompts editing and testing rows stand: ``auto``, ``recorded``, or an agent's YAML file."""
    judge: JudgePrompt | None = None
    """The words of a verifier's rows; None: those of the published layout."""
    seed: int = 0
    """Decides among rows of one task, where not all are taken."""

    @property
    def longest(self) -> int | None:
        """Most tokens of a row; None: no bound."""
        return self.max_tokens or CONTEXT.get(self.purpose)

    @property
    def cap(self) -> int:
        """Most rows of a task; 0: no bound."""
        return PER_TASK.get(self.purpose, 0) if self.per_task is None else self.per_task


class Lengths(Record):
    """How long rows are, in tokens."""

    least: int
    median: int
    p90: int
    most: int
    total: int
    estimated: bool
    """Whether they are guessed from bytes, for want of a tokenizer."""


class ExportReport(Record):
    """What an export did."""

    purpose: Purpose
    rows: int
    tasks: int
    """Of which there is at least one row."""
    attempts: int
    """That were looked at."""
    rejected: dict[str, int] = {}
    """Reason → attempts that were left out for it, in the order of the filters."""
    unmarked: int = 0
    """Attempts at tasks of which nobody has looked whether SWE-bench has their repository."""
    turns: int = 0
    """Of models, in all rows."""
    tokens: Lengths | None = None
    positives: int | None = None
    """Rows of a rewarded attempt, where rows of others are there too."""
    masked: int | None = None
    """Rows of ``rl`` without a reward."""
    files: tuple[Path, ...] = ()
    sample: dict[str, JsonValue] = {}
    """One row."""
