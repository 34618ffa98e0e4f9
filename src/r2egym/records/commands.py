"""What a command did."""

from __future__ import annotations

from r2egym.records.base import Record


class ExecResult(Record):
    """What a command in a sandbox did. A non-zero exit code is a result, not an error."""

    exit_code: int
    """0-255; 128 + N when signal N ended it; 124 on a timeout."""
    stdout: str
    """Decoded as UTF-8 with replacement; bounded (see ``truncated``)."""
    stderr: str
    """Like ``stdout``, and never mixed with it."""
    timed_out: bool = False
    """Whether the time limit ended it; everything it had started is dead."""
    duration: float = 0.0
    """Wall seconds."""
    truncated: bool = False
    """Whether ``stdout`` or ``stderr`` holds less than was printed."""
    stdout_path: str | None = None
    """On this machine, a file with the whole of a truncated ``stdout``; gone when the sandbox closes."""
    stderr_path: str | None = None
    """The same for ``stderr``."""
    limits_hit: tuple[str, ...] = ()
    """Limits of the sandbox that ended a process meanwhile: ``memory``, ``pids``, ``disk``."""
