"""Records of attempts, as readers of published files know them."""

from __future__ import annotations

from r2egym.agenthub.trajectory.trajectory import Trajectory, TrajectoryStep

__all__ = ["Trajectory", "TrajectoryStep"]
