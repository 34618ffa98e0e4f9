"""Verifiers: what can be said of a patch without the hidden tests, and which of K patches to hand in.

Scoring an attempt and choosing among attempts are apart: verifiers make :class:`~r2egym.records.Verdict` records, selectors are
pure functions over :class:`~r2egym.records.Scores`.

Each name is imported when it is asked for: choosing needs no sandboxes, and running tests no numpy.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from r2egym.verifiers.curves import CURVES, BestOfK, Curve, best_of_k, expectations, sampled
    from r2egym.verifiers.diagnosis import Diagnosis, diagnose
    from r2egym.verifiers.execution import ExecutionOptions
    from r2egym.verifiers.gathering import gather
    from r2egym.verifiers.judge import JudgeOptions, JudgePrompt, ask, read_prompt
    from r2egym.verifiers.pipeline import verify_and_select
    from r2egym.verifiers.published import load_scores
    from r2egym.verifiers.runs import read_candidates, read_scores, read_verdicts
    from r2egym.verifiers.scores import TaskScores
    from r2egym.verifiers.select import Choice, choose, normalised, select_run, write_predictions
    from r2egym.verifiers.selectors import SELECTORS, Selector, selector
    from r2egym.verifiers.suite import TestFile, read_tests
    from r2egym.verifiers.verify import (
        CaseVerifier,
        ExecutionVerifier,
        JudgeVerifier,
        find_verifier,
        register,
        verify_run,
    )
    from r2egym.verifiers.views import Candidate, Turn, view_of

__all__ = [
    "CURVES",
    "SELECTORS",
    "BestOfK",
    "Candidate",
    "CaseVerifier",
    "Choice",
    "Curve",
    "Diagnosis",
    "ExecutionOptions",
    "ExecutionVerifier",
    "JudgeOptions",
    "JudgePrompt",
    "JudgeVerifier",
    "Selector",
    "TaskScores",
    "TestFile",
    "Turn",
    "ask",
    "best_of_k",
    "choose",
    "diagnose",
    "expectations",
    "find_verifier",
    "gather",
    "load_scores",
    "normalised",
    "read_candidates",
    "read_prompt",
    "read_scores",
    "read_tests",
    "read_verdicts",
    "register",
    "sampled",
    "select_run",
    "selector",
    "verify_and_select",
    "verify_run",
    "view_of",
    "write_predictions",
]

_HOMES = {
    name: module
    for module, names in {
        "curves": ("CURVES", "BestOfK", "Curve", "best_of_k", "expectations", "sampled"),
        "diagnosis": ("Diagnosis", "diagnose"),
        "execution": ("ExecutionOptions",),
        "gathering": ("gather",),
        "judge": ("JudgeOptions", "JudgePrompt", "ask", "read_prompt"),
        "pipeline": ("verify_and_select",),
        "published": ("load_scores",),
        "runs": ("read_candidates", "read_scores", "read_verdicts"),
        "scores": ("TaskScores",),
        "select": ("Choice", "choose", "normalised", "select_run", "write_predictions"),
        "selectors": ("SELECTORS", "Selector", "selector"),
        "suite": ("TestFile", "read_tests"),
        "verify": (
            "CaseVerifier",
            "ExecutionVerifier",
            "JudgeVerifier",
            "find_verifier",
            "register",
            "verify_run",
        ),
        "views": ("Candidate", "Turn", "view_of"),
    }.items()
    for name in names
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(name)
    return getattr(importlib.import_module(f"r2egym.verifiers.{_HOMES[name]}"), name)
