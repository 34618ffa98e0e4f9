"""Checks of ``Backend.run``: one command in a sandbox of its own."""

# ruff: noqa: PLR2004 - the numbers are what a check asks for; the paths lie inside a sandbox

from __future__ import annotations

import time

from r2egym.errors import UsageError
from r2egym.sandboxes.conformance.case import Case, check, expect, expect_raises, expect_that


@check()
def run_one_command(case: Case) -> None:
    """Input, output, exit code and working directory."""
    result = case.backend.run(case.config(), ["cat", "a.txt", "-"], stdin=b"in")
    expect((result.exit_code, result.stdout, result.stderr), (0, "one\nin", ""), "what cat did")
    expect(case.backend.run(case.config(), ["false"]).exit_code, 1, "exit code of false")
    expect(
        case.backend.run(case.config(), ["no-such-program"]).exit_code, 127, "a missing program's exit code"
    )
    expect_raises(UsageError, lambda: case.backend.run(case.config(), []), "an empty command")


@check()
def run_much(case: Case) -> None:
    """Tens of megabytes go in and come out."""
    data = b"0123456789abcde\n" * (1 << 20)
    result = case.backend.run(case.config(), ["cat"], stdin=data, timeout=60)
    expect_that(result.stdout == data.decode(), "16 MB through cat")


@check()
def run_what_does_not_read(case: Case) -> None:
    """A command that does not read its input, or closes its output, is no trouble."""
    expect(
        case.backend.run(case.config(), ["true"], stdin=b"x" * (1 << 22), timeout=20).exit_code,
        0,
        "exit code",
    )
    script = "exec >&- 2>&- <&-; sleep 0.1; exit 3"
    expect(case.backend.run(case.config(), ["bash", "-c", script], timeout=20).exit_code, 3, "exit code")


@check()
def run_ends_all(case: Case) -> None:
    """When the command has ended, so has everything it started; a time limit likewise."""
    started = time.monotonic()
    script = "(trap '' TERM HUP; setsid sleep 60) & echo out"
    expect(case.backend.run(case.config(), ["bash", "-c", script], timeout=20).stdout, "out\n", "output")
    result = case.backend.run(
        case.config(), ["bash", "-c", "echo a; (setsid sleep 60 &); sleep 60"], timeout=0.5
    )
    expect(
        (result.timed_out, result.exit_code, result.stdout), (True, 124, "a\n"), "a command whose time is up"
    )
    expect_that(time.monotonic() - started < 15, "they must end soon")


@check()
def run_signals(case: Case) -> None:
    """A signal that a command sends to itself works as anywhere."""
    result = case.backend.run(case.config(), ["bash", "-c", "kill -SEGV $$"], timeout=20)
    expect(result.exit_code, 139, "exit code after SIGSEGV")


CHECKS = [run_one_command, run_much, run_what_does_not_read, run_ends_all, run_signals]
