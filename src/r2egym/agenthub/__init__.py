"""The import paths of the published R2E-Gym, over the rooms of this package.

Nothing here has logic of its own: environments are :mod:`r2egym.environment`, agents :mod:`r2egym.agents`, runs
:mod:`r2egym.rollouts`. New code has no need of it; code that was written for the published package goes on working.
"""

from __future__ import annotations

from pathlib import Path

from r2egym.tools import render_observation

SUPPORTED_REPOS = Path(__file__).with_name("supported_repos.txt").read_text(encoding="utf-8").split()
"""Names of the repositories in the published sets; no limit of this package, which takes any."""
CONTINUE_MSG = render_observation(None, None)
"""What an answer without a call is answered with."""
CMD_TIMEOUT = 120
"""Seconds a command, where nobody says otherwise."""
