"""Checks of time limits and lifetimes: what should be over is over."""

# ruff: noqa: PLR2004 - the numbers are what a check asks for; the paths lie inside a sandbox

from __future__ import annotations

import threading
import time

from r2egym.errors import SandboxClosedError, SandboxError
from r2egym.sandboxes.base import Sandbox
from r2egym.sandboxes.conformance.case import Case, check, expect, expect_raises, expect_that

_STUBBORN = """\
trap '' TERM INT HUP QUIT
(setsid bash -c "trap '' TERM; sleep 4711" &)
nohup sleep 4711 >/dev/null 2>&1 &
( ( sleep 4711 & ) & )
(while :; do (sleep 0.01); done) &
echo before
sleep 4711
"""


def _running(sandbox: Sandbox, word: str) -> int:
    script = 'n=0; for f in /proc/[0-9]*/cmdline; do [[ $(tr "\\0" " " <$f) == "$1" ]] && n=$((n+1)); done; echo $n'
    return int(sandbox.exec(["bash", "-c", script, "count", f"{word} "]).stdout)


@check()
def time_limit(case: Case) -> None:
    """A command whose time is up ends at once, with exit code 124, and the sandbox goes on."""
    with case.open() as sandbox:
        started = time.monotonic()
        result = sandbox.exec(["sleep", "30"], timeout=0.2)
        expect((result.timed_out, result.exit_code), (True, 124), "what became of it")
        expect_that(time.monotonic() - started < 5, "it must end soon")
        expect(sandbox.exec(["echo", "on"], timeout=20).stdout, "on\n", "the next command")


@check()
def time_limit_on_the_stubborn(case: Case) -> None:
    """Double forks, setsid, nohup, ignored signals: all that the command started dies; its output is kept."""
    with case.open() as sandbox:
        result = sandbox.exec(_STUBBORN, timeout=0.3)
        expect((result.timed_out, result.stdout), (True, "before\n"), "what became of it")
        expect(_running(sandbox, "sleep 4711"), 0, "processes left")


@check()
def time_limit_is_not_for_others(case: Case) -> None:
    """What an earlier command left in the background survives a later one's time limit."""
    with case.open() as sandbox:
        sandbox.exec("setsid sleep 4712 >/dev/null 2>&1 &")
        expect_that(sandbox.exec("sleep 4713", timeout=0.2).timed_out, "timed_out")
        expect(_running(sandbox, "sleep 4712"), 1, "the earlier process")
        expect(_running(sandbox, "sleep 4713"), 0, "the later process")


@check()
def background_processes_hold_nothing_up(case: Case) -> None:
    """A command ends when it ends, though a child of it still holds its output open."""
    with case.open() as sandbox:
        started = time.monotonic()
        expect(sandbox.exec("sleep 20 & echo done").stdout, "done\n", "the output")
        expect_that(time.monotonic() - started < 5, "it must not wait for its children")


@check()
def background_output_stays_apart(case: Case) -> None:
    """What an earlier command's child prints never shows up in a later command's output."""
    with case.open() as sandbox:
        sandbox.exec("(trap '' PIPE; while :; do echo noise; echo noise >&2; sleep 0.01; done) &")
        for _ in range(10):
            result = sandbox.exec("sleep 0.03; echo clean")
            expect((result.stdout, result.stderr), ("clean\n", ""), "a later command's output")


@check()
def large_output_of_both_streams(case: Case) -> None:
    """Megabytes on both streams at once do not lock up."""
    with case.open() as sandbox:
        result = sandbox.exec("seq 300000 & seq 300000 >&2; wait", timeout=30, output_limit=1 << 22)
        expect((len(result.stdout), len(result.stderr)), (1_988_895, 1_988_895), "lengths")


@check()
def sandbox_survives_its_killers(case: Case) -> None:
    """A command that kills everything it can ends in a result or a SandboxError, never in silence."""
    with case.open() as sandbox:
        for script in (
            "kill -9 -1",
            "kill -STOP -1",
            "kill -9 1 $PPID; echo on",
            "exec 0<&- 1>&- 2>&-; exit 3",
        ):
            try:
                sandbox.exec(script, timeout=2)
            except SandboxError:
                break
        if sandbox.is_alive():
            expect(sandbox.exec(["echo", "on"], timeout=10).stdout, "on\n", "the next command")


@check()
def close_twice(case: Case) -> None:
    """Closing again does nothing; using a closed sandbox is a SandboxClosedError."""
    sandbox = case.open()
    expect_that(sandbox.is_alive(), "is_alive")
    sandbox.close()
    sandbox.close()
    expect_that(not sandbox.is_alive(), "is_alive after close")
    expect_raises(SandboxClosedError, lambda: sandbox.exec(["true"]), "a command after close")
    expect_raises(SandboxClosedError, lambda: sandbox.read_file("a.txt"), "a read after close")
    expect_raises(SandboxClosedError, lambda: sandbox.write_file("a.txt", ""), "a write after close")


@check()
def close_ends_a_running_command(case: Case) -> None:
    """A command under way in another thread ends with a SandboxClosedError when the sandbox is closed."""
    sandbox = case.open()
    seen: list[BaseException | None] = []

    def wait() -> None:
        try:
            sandbox.exec(["sleep", "60"])
            seen.append(None)
        except SandboxClosedError as error:
            seen.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    time.sleep(0.2)
    sandbox.close()
    thread.join(20)
    expect_that(seen and isinstance(seen[0], SandboxClosedError), f"the command ended with {seen}")


CHECKS = [
    time_limit,
    time_limit_on_the_stubborn,
    time_limit_is_not_for_others,
    background_processes_hold_nothing_up,
    background_output_stays_apart,
    large_output_of_both_streams,
    sandbox_survives_its_killers,
    close_twice,
    close_ends_a_running_command,
]
