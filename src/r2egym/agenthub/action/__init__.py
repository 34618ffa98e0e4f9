"""Calls of tools, under their published name."""

from __future__ import annotations

from r2egym.agenthub.action.action import Action

__all__ = ["Action"]
