"""Processes of a sandbox, seen and ended from outside.

Every process in a PID namespace descends from its first one, so a walk from there finds all of them, whatever they did to
escape: double forks, sessions of their own, ignored signals. A process is signalled through a descriptor that was
opened before its parentage was looked at, so a process id that was used again cannot hit a bystander.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterable

_ROUNDS = 200
_END_SECONDS = 1.0
_KERNEL_LISTS_CHILDREN = os.path.exists(f"/proc/self/task/{os.getpid()}/children")  # noqa: PTH110


def start_time(pid: int) -> int | None:
    """When a process started (clock ticks since boot); None when it is gone or only its exit code is left."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123 - five times a command: no Path
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return None
    return None if fields[0] in b"ZX" else int(fields[19])


def children(pid: int) -> list[int]:
    """Children of all threads of a process."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208
            with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{task}/children", "rb") as file:  # noqa: PTH123
                found += [int(word) for word in file.read().split()]
    return found


def _parents() -> dict[int, list[int]]:
    """Children by parent, of all processes: for kernels that do not list them."""
    found: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):  # noqa: PTH208
        if name.isdecimal():
            with contextlib.suppress(OSError), open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123
                parent = int(file.read().rpartition(b")")[2].split()[1])
                found.setdefault(parent, []).append(int(name))
    return found


def children_of_thread(pid: int) -> list[int]:
    """Children of a process that has one thread."""
    try:
        with open(f"/proc/{pid}/task/{pid}/children", "rb") as file:  # noqa: PTH123
            return [int(word) for word in file.read().split()]
    except OSError:
        return []


def descendants(pid: int, *, spared: Iterable[int] = ()) -> list[int]:
    """Every process below ``pid``, but for those spared and what is below them."""
    skip = set(spared)
    found: list[int] = []
    queue = [pid]
    look = children if _KERNEL_LISTS_CHILDREN else _parents().get
    while queue:
        for child in look(queue.pop()) or ():
            if child not in skip:
                skip.add(child)
                found.append(child)
                queue.append(child)
    return found


def namespace_pid(pid: int) -> int | None:
    """A process's id inside its innermost PID namespace."""
    try:
        with open(f"/proc/{pid}/status", "rb") as file:  # noqa: PTH123
            for line in file:
                if line.startswith(b"NSpid:"):
                    return int(line.split()[-1])
    except OSError:
        pass
    return None


def send(pid: int, number: int, namespace: str) -> bool:
    """Signal a process if it lives in the PID namespace given; False when it does not."""
    try:
        handle = os.pidfd_open(pid)
    except OSError:
        return False
    try:
        if os.readlink(f"/proc/{pid}/ns/pid") != namespace:  # noqa: PTH115
            return False
        signal.pidfd_send_signal(handle, number)
    except OSError:
        return False
    finally:
        os.close(handle)
    return True


def pid_namespace(pid: int) -> str:
    """The name of a process's PID namespace; empty when it is gone."""
    try:
        return os.readlink(f"/proc/{pid}/ns/pid")  # noqa: PTH115
    except OSError:
        return ""


def freeze(init: int, namespace: str, *, spared: Iterable[int] = ()) -> list[int]:
    """Stop every running process below ``init`` but for those spared; which were stopped, for :func:`thaw`."""
    stopped: list[int] = []
    for _ in range(_ROUNDS):
        found = [pid for pid in descendants(init, spared=spared) if pid not in stopped and _is_running(pid)]
        if not found:
            break
        stopped += [pid for pid in found if send(pid, signal.SIGSTOP, namespace)]
    return stopped


def thaw(stopped: Iterable[int], namespace: str) -> None:
    """Let processes that :func:`freeze` stopped go on."""
    for pid in stopped:
        send(pid, signal.SIGCONT, namespace)


def _is_running(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123
            return file.read().rpartition(b")")[2].split()[0] not in b"TtZX"
    except OSError:
        return False


def is_stopped(pid: int) -> bool:
    """Whether a process is stopped, by a signal or by another that traces it."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123
            return file.read().rpartition(b")")[2].split()[0] in b"Tt"
    except OSError:
        return False


def end(init: int, namespace: str, *, spared: Iterable[int] = ()) -> bool:
    """End every process below ``init`` but for those spared; whether all are gone within a second.

    They are stopped first, until no new one appears: what is stopped cannot fork.
    """
    keep = frozenset(spared)
    deadline = time.monotonic() + _END_SECONDS
    clean = 0
    while time.monotonic() < deadline:
        stopped = _stop_all(init, namespace, keep, deadline)
        living = [pid for pid in stopped if start_time(pid) is not None]
        if not living:
            clean += 1
            if clean > 1:  # the kernel's list of children may skip one while another ends
                return True
            continue
        clean = 0
        for pid in living:
            send(pid, signal.SIGKILL, namespace)
        time.sleep(0.001)
    return False


def _stop_all(init: int, namespace: str, keep: frozenset[int], deadline: float) -> set[int]:
    stopped: set[int] = set()
    while time.monotonic() < deadline:
        found = [pid for pid in descendants(init, spared=keep) if pid not in stopped]
        if not found:
            break
        for pid in found:
            send(pid, signal.SIGSTOP, namespace)
        stopped.update(found)
    return stopped
