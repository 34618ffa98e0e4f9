"""How long work survives and how it spreads: a journal that outlives ``kill -9``, and a bounded map over workers."""

from __future__ import annotations

from r2egym.jobs.journal import Journal
from r2egym.jobs.workers import Executor, Threads

__all__ = ["Executor", "Journal", "Threads"]
