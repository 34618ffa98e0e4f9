"""Checks of limits: a sandbox that wants too much hurts itself only."""

# ruff: noqa: PLR2004, S108 - the numbers are what a check asks for; the paths lie inside a sandbox

from __future__ import annotations

import time

from r2egym.errors import SandboxError
from r2egym.sandboxes.base import Capability, Limits
from r2egym.sandboxes.conformance.case import Case, check, expect, expect_raises, expect_that

_MIB = 1 << 20


@check(Capability.LIMIT_MEMORY)
def memory_limit(case: Case) -> None:
    """A command that wants more memory than there is fails; the sandbox lives on."""
    with case.open(limits=Limits(memory_bytes=96 * _MIB)) as sandbox:
        result = sandbox.exec("x=$(head -c 300000000 /dev/zero | tr '\\0' x); echo ${#x}", timeout=60)
        expect_that("300000000" not in result.stdout, "300 MB fitted into 96")
        expect(sandbox.exec(["echo", "on"]).stdout, "on\n", "the next command")


@check(Capability.LIMIT_MEMORY)
def memory_limit_on_shared_memory(case: Case) -> None:
    """Files in /dev/shm count as memory, or are bounded by themselves."""
    with case.open(limits=Limits(memory_bytes=96 * _MIB)) as sandbox:
        sandbox.exec("head -c 300000000 /dev/zero >/dev/shm/x; rm -f /dev/shm/x", timeout=60)
        size = sandbox.exec("df -B1 --output=size /dev/shm | tail -1").stdout.strip()
        expect_that(int(size) <= 96 * _MIB, f"/dev/shm takes {size} bytes")


@check(Capability.LIMIT_PIDS)
def pids_limit(case: Case) -> None:
    """A fork bomb ends with its time limit, and the sandbox lives on."""
    with case.open(limits=Limits(pids=40)) as sandbox:
        started = time.monotonic()
        result = sandbox.exec("f() { f | f & f; }; f; wait; sleep 60", timeout=1)
        expect_that(result.exit_code != 0, "a fork bomb came to a good end")
        expect_that(time.monotonic() - started < 20, "it must end soon")
        expect(sandbox.exec(["echo", "on"], timeout=20).stdout, "on\n", "the next command")


@check(Capability.LIMIT_DISK)
def disk_limit(case: Case) -> None:
    """A command that fills the disk is ended, and counted as such."""
    with case.open(limits=Limits(disk_bytes=32 * _MIB)) as sandbox:
        script = "for i in $(seq 100); do head -c 10000000 /dev/zero >/tmp/$i; sleep 0.02; done; echo all"
        result = sandbox.exec(script, timeout=60)
        expect_that("all" not in result.stdout, "1 GB fitted into 32 MB")
        expect_that("disk" in result.limits_hit, "limits_hit names the disk")


@check(Capability.LIMIT_DISK)
def disk_limit_on_one_file(case: Case) -> None:
    """One file cannot grow past the bound, not even between two looks."""
    with case.open(limits=Limits(disk_bytes=32 * _MIB)) as sandbox:
        sandbox.exec("head -c 200000000 /dev/zero >/testbed/big", timeout=60)
        size = int(sandbox.exec("stat -c %s /testbed/big || echo 0").stdout)
        expect_that(size <= 32 * _MIB, f"the file has {size} bytes")


@check(Capability.LIMIT_CPU)
def cpu_limit(case: Case) -> None:
    """A busy loop gets the share it was given."""
    with case.open(limits=Limits(cpus=0.2)) as sandbox:
        script = "TIMEFORMAT=%U; time timeout 1 bash -c 'while :; do :; done'"
        used = float(sandbox.exec(script, timeout=20).stderr.split()[-1])
        expect_that(used < 0.6, f"a fifth of a processor came to {used} s of one second")


@check()
def life_time(case: Case) -> None:
    """A sandbox past its life time is closed, whatever runs in it."""
    with case.open(limits=Limits(wall_seconds=0.5)) as sandbox:
        started = time.monotonic()
        expect_raises(SandboxError, lambda: sandbox.exec(["sleep", "60"]), "a command past the life time")
        expect_that(time.monotonic() - started < 10, "it must end soon")
        expect_that(not sandbox.is_alive(), "is_alive")


CHECKS = [
    memory_limit,
    memory_limit_on_shared_memory,
    pids_limit,
    disk_limit,
    disk_limit_on_one_file,
    cpu_limit,
    life_time,
]
