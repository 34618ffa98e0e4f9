"""Agents: one loop, and those who decide in it."""

from __future__ import annotations

from r2egym.agents.base import Agent, LoopOptions, Mode, Policy, Sampling
from r2egym.agents.config import AgentConfig, packaged_config, read_config
from r2egym.agents.fixed import NoopAgent, OracleAgent, ScriptAgent, patching
from r2egym.agents.history import conversation, reminder
from r2egym.agents.installer import Budget, Installed, Installer, Site
from r2egym.agents.installer_brief import Case
from r2egym.agents.loop import NoTape, Pursuit, Surroundings, Tape, pursue
from r2egym.agents.prompted import PromptedAgent, instruction, prompted

__all__ = [
    "Agent",
    "AgentConfig",
    "Budget",
    "Case",
    "Installed",
    "Installer",
    "LoopOptions",
    "Mode",
    "NoTape",
    "NoopAgent",
    "OracleAgent",
    "Policy",
    "PromptedAgent",
    "Pursuit",
    "Sampling",
    "ScriptAgent",
    "Site",
    "Surroundings",
    "Tape",
    "conversation",
    "instruction",
    "packaged_config",
    "patching",
    "prompted",
    "pursue",
    "read_config",
    "reminder",
]
