"""Checks of saved states and sessions."""

# ruff: noqa: S108 - the numbers are what a check asks for; the paths lie inside a sandbox

from __future__ import annotations

from functools import partial

from r2egym.errors import SandboxClosedError, SandboxError, SandboxFileError, UsageError
from r2egym.sandboxes.base import Capability
from r2egym.sandboxes.conformance.case import Case, check, expect, expect_raises, expect_that


@check(Capability.SNAPSHOT)
def reset_drops_everything(case: Case) -> None:
    """A reset brings back the state after opening, wherever was written."""
    with case.open({"a": "1", "b": "2"}) as sandbox:
        sandbox.write_file("a", "changed")
        sandbox.write_file("/tmp/x", "x")
        sandbox.exec(["rm", "b"])
        sandbox.reset()
        expect((sandbox.read_file("a"), sandbox.read_file("b")), (b"1", b"2"), "files of the layer")
        expect_raises(SandboxFileError, lambda: sandbox.read_file("/tmp/x"), "a file in /tmp")


@check(Capability.SNAPSHOT)
def reset_ends_processes(case: Case) -> None:
    """A reset ends what runs."""
    with case.open() as sandbox:
        sandbox.exec("setsid sleep 4715 >/dev/null 2>&1 &")
        sandbox.reset()
        expect(
            sandbox.exec("cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -o 'sleep 4715 $'").stdout,
            "",
            "processes",
        )


@check(Capability.SNAPSHOT)
def fork_goes_its_own_way(case: Case) -> None:
    """A fork begins with the origin's files; from then on neither sees the other's writes."""
    with case.open({"a": "1", "gone/x": "g"}) as origin:
        origin.write_file("a", "2")
        origin.exec(["rm", "-r", "gone"])
        with origin.fork() as fork:
            expect(fork.read_file("a"), b"2", "the fork's file")
            expect_raises(SandboxFileError, lambda: fork.read_file("gone/x"), "a file removed before")
            fork.write_file("a", "3")
            origin.write_file("b", "b")
            expect(origin.read_file("a"), b"2", "the origin's file")
            expect_raises(SandboxFileError, lambda: fork.read_file("b"), "the origin's later file")
        expect_that(origin.is_alive(), "the origin after its fork closed")


@check(Capability.SNAPSHOT)
def snapshots_can_be_gone_back_to(case: Case) -> None:
    """Any snapshot, any number of times, in any order."""
    with case.open({"n": "0"}) as sandbox:
        snapshots = []
        for number in range(1, 8):
            sandbox.write_file("n", str(number))
            sandbox.write_file(f"only{number}", "x")
            snapshots.append(sandbox.snapshot())
            if number % 2:
                sandbox.reset(snapshots[-1])
        for number in (3, 7, 1, 3):
            sandbox.reset(snapshots[number - 1])
            expect(sandbox.read_file("n").decode(), str(number), f"the file of snapshot {number}")
            expect(sandbox.read_file(f"only{number}"), b"x", "its own file")
            later = f"only{number + 1}"
            expect_raises(SandboxFileError, partial(sandbox.read_file, later), "a later file")
        sandbox.reset()
        expect(sandbox.read_file("n"), b"0", "the file after a plain reset")
        for snapshot in snapshots:
            snapshot.discard()


@check(Capability.SNAPSHOT)
def snapshots_of_forks(case: Case) -> None:
    """Forks of forks, ten deep, keep edits, removals, and folders in place of files."""
    with case.open({"f": "0", "d/x": "x", "d/y": "y"}) as first:
        last = first
        opened = []
        for number in range(10):
            last.write_file("f", str(number))
            last.exec(["rm", "-rf", "d"] if number % 3 == 0 else ["mkdir", "-p", "d"])
            last.write_file(f"e/{number}", "e")
            last = last.fork()
            opened.append(last)
        expect(last.read_file("f"), b"9", "the file that each edited")
        expect(
            [last.read_file(f"e/{number}") for number in range(10)], [b"e"] * 10, "the files that each added"
        )
        expect_raises(SandboxFileError, lambda: last.read_file("d/x"), "a file removed ten forks ago")
        for sandbox in opened:
            sandbox.close()


@check(Capability.SNAPSHOT)
def snapshots_outlive_their_sandbox(case: Case) -> None:
    """A snapshot serves until it is discarded; discarding twice is safe; sandboxes that rest on it live on."""
    with case.open({"a": "1"}) as origin:
        origin.write_file("a", "2")
        snapshot = origin.snapshot()
        fork = origin.fork(snapshot)
        snapshot.discard()
        snapshot.discard()
        expect_raises((UsageError), lambda: origin.fork(snapshot), "a fork of a discarded snapshot")
    with fork:
        expect(fork.read_file("a"), b"2", "the fork's file")
        fork.reset()
        expect(fork.read_file("a"), b"2", "the fork's file after its reset")


@check(Capability.SESSION)
def session_lives_on(case: Case) -> None:
    """Working directory, variables and functions last from one script to the next."""
    with case.open({"sub/x": ""}) as sandbox, sandbox.session() as session:
        session.run("cd sub; x='a  b'; f() { echo \"f:$x:$1\"; }; export Y=1; arr=(p q)")
        result = session.run("pwd; f 2; printenv Y; echo ${arr[1]}; exec 5>&1; echo err >&2; (exit 4)")
        expect(result.stdout, "/testbed/sub\nf:a  b:2\n1\nq\n", "what it printed")
        expect((result.stderr, result.exit_code), ("err\n", 4), "standard error and exit code")
        expect(session.run("cat", stdin="in").stdout, "in", "standard input")


@check(Capability.SESSION)
def sessions_are_apart(case: Case) -> None:
    """Two sessions, and single commands, share files only."""
    with case.open() as sandbox, sandbox.session() as one, sandbox.session() as two:
        one.run("x=1; cd /; echo shared >/tmp/s")
        expect(two.run("echo $x; pwd; cat /tmp/s").stdout, "\n/testbed\nshared\n", "the other session")
        expect(sandbox.exec("echo $x; pwd").stdout, "\n/testbed\n", "a single command")


@check(Capability.SESSION)
def session_after_a_time_limit(case: Case) -> None:
    """When a script's time is up, what it started dies and the shell's state is kept."""
    with case.open() as sandbox, sandbox.session() as session:
        session.run("x=kept; cd /tmp; f() { echo $x; }")
        for script in (
            "sleep 60; echo later >>/tmp/later; sleep 60",
            "while :; do :; done",
            "while :; do sleep 0.01; done",
            "bash -c \"trap '' INT TERM; sleep 60\"; sleep 60",
            "(setsid nohup sleep 4716 >/dev/null 2>&1 &); sleep 60 | cat",
        ):
            expect_that(session.run(script, timeout=0.3).timed_out, f"timed_out of {script}")
            expect(session.run("f; pwd", timeout=20).stdout, "kept\n/tmp\n", f"the state after {script}")
        left = sandbox.exec(
            "cat /tmp/later; cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -o 'sleep 4716 $'"
        ).stdout
        expect(left, "", "what was left")


@check(Capability.SESSION)
def session_that_errs(case: Case) -> None:
    """Syntax errors, unset variables and ``return`` end a script, not the session; ``exit`` ends the session."""
    with case.open() as sandbox, sandbox.session() as session:
        for script in ("if", "set -u; echo $nope", "return 3", "echo 'unclosed"):
            session.run(script, timeout=20)
            expect(session.run("set +u; echo on", timeout=20).stdout, "on\n", f"what it said after {script}")
        expect(session.run("exit 5", timeout=20).exit_code, 5, "the status of exit")
        expect_raises(SandboxClosedError, lambda: session.run("true"), "a script after exit")
        expect(sandbox.exec(["echo", "on"]).stdout, "on\n", "the sandbox")


@check(Capability.SESSION, Capability.SNAPSHOT)
def session_in_a_fork(case: Case) -> None:
    """A fork has its origin's sessions, with working directory, variables and functions."""
    with case.open() as sandbox, sandbox.session() as session:
        session.run(
            "cd /tmp; x=$'a\\nb'; declare -A m=([k]=v); f() { echo \"${m[k]}$x\"; }; set -f; readonly r=1"
        )
        snapshot = sandbox.snapshot()
        session.run("cd /; x=changed")
        with sandbox.fork(snapshot) as fork:
            expect_that(len(fork.sessions) == 1, "the fork has the session")
            expect(
                fork.sessions[0].run("pwd; f; echo $r *").stdout, "/tmp\nva\nb\n1 *\n", "the fork's session"
            )
        sandbox.reset(snapshot)
        expect(session.run("pwd; f").stdout, "/tmp\nva\nb\n", "the session after a reset to the snapshot")
        sandbox.reset()
        expect_raises(
            SandboxError, lambda: session.run("true"), "a session begun after opening, after a plain reset"
        )
        snapshot.discard()


CHECKS = [
    reset_drops_everything,
    reset_ends_processes,
    fork_goes_its_own_way,
    snapshots_can_be_gone_back_to,
    snapshots_of_forks,
    snapshots_outlive_their_sandbox,
    session_lives_on,
    sessions_are_apart,
    session_after_a_time_limit,
    session_that_errs,
    session_in_a_fork,
]
