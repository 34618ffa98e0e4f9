"""Memory of families of processes."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path


def family(pid: int) -> list[int]:
    """A process and all below it; those that end meanwhile may be missing."""
    found = [pid]
    for parent in found:
        with suppress(OSError):
            for thread in Path(f"/proc/{parent}/task").iterdir():
                with suppress(OSError):
                    found += [int(word) for word in (thread / "children").read_text().split()]
    return found


def pss(pids: Sequence[int]) -> float:
    """MiB that processes use, shared pages split between their users."""
    total = 0
    for pid in pids:
        with suppress(OSError):  # a process may end meanwhile
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
    return total / 1024
