"""Rollouts: many attempts at many tasks, written down so that nothing is lost and nothing is done twice."""

from __future__ import annotations

from r2egym.rollouts.episode import Episode
from r2egym.rollouts.ledger import Ledger, StoppedError
from r2egym.rollouts.lines import Summary
from r2egym.rollouts.plan import Attempt, plan
from r2egym.rollouts.run import Progress, Run
from r2egym.rollouts.spec import AgentSpec, RunOptions, agent_spec

__all__ = [
    "AgentSpec",
    "Attempt",
    "Episode",
    "Ledger",
    "Progress",
    "Run",
    "RunOptions",
    "StoppedError",
    "Summary",
    "agent_spec",
    "plan",
]
