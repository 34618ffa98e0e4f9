"""Candidates become proven tasks: select tests, build, classify, prove, describe; and rows are proved again."""

from __future__ import annotations

from r2egym.curation.curate import CurateConfig, Curated, Progress, curate
from r2egym.curation.doctor import Finding, examine_rows
from r2egym.curation.evidence import Evidence, TestFailure
from r2egym.curation.funnel import STAGES, Rejected
from r2egym.curation.workshop import Options
from r2egym.curation.writers import Statement, Writer, find_leaks, open_writer

__all__ = [
    "STAGES",
    "CurateConfig",
    "Curated",
    "Evidence",
    "Finding",
    "Options",
    "Progress",
    "Rejected",
    "Statement",
    "TestFailure",
    "Writer",
    "curate",
    "examine_rows",
    "find_leaks",
    "open_writer",
]
