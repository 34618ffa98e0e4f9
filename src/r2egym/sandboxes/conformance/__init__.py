"""What every backend must do, as named checks that run against any of them, also one that is not ours.

::

    for check in checks():
        check.run(backend, folder)      # raises UnfitError, with a line that says what was wrong

A check whose ``needs`` are not among a backend's capabilities does not apply to it.
"""

from r2egym.sandboxes.conformance import commands, files, isolation, limits, oneshot, state, times
from r2egym.sandboxes.conformance.case import Case, Check, UnfitError

__all__ = ["Case", "Check", "UnfitError", "checks"]


def checks() -> list[Check]:
    """All checks, in the order in which one would read them."""
    return [
        *commands.CHECKS,
        *files.CHECKS,
        *times.CHECKS,
        *isolation.CHECKS,
        *limits.CHECKS,
        *state.CHECKS,
        *oneshot.CHECKS,
    ]
