"""What comes of a call, under its published name."""

from __future__ import annotations

from r2egym.agenthub.observation.observation import Observation

__all__ = ["Observation"]
