# mypy: ignore-errors - Python 2.7 has no annotations
"""Matches patterns against texts that untrusted code chose, where that can waste nobody's time but its own."""

import json
import re
import sys

from _r2egym.channel import native


def main(job):
    """Print, pair by pair, whether the pattern is found in the text; null: it is no pattern."""
    found = []
    for pattern, text in native(job)["pairs"]:
        try:
            found.append(re.search(pattern, text) is not None)
        except re.error:
            found.append(None)
    sys.stdout.write(json.dumps(found) + "\n")
