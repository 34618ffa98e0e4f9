"""The command line: one file a verb. Only this room prints; each verb parses, builds a configuration, calls one function.

Exit codes: 0 it ran; 1 it ran and the answer is no; 2 it could not run; 130 it was interrupted.
"""

from __future__ import annotations

from r2egym.cli.main import main

__all__ = ["main"]
