"""Bounds on a sandbox as a whole: control groups where they can be written to, else what the kernel bounds a process by.

Version 1 and 2 both do. What neither a group nor the kernel holds, the watcher looks after (see ``_watch``).
"""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from r2egym.sandboxes._processes import descendants
from r2egym.sandboxes.base import Capability, Limits

CONTROLLERS = ("memory", "pids", "cpu")
_PERIOD = 100_000


@dataclass(frozen=True)
class Controller:
    """A control group below which sandboxes may make theirs."""

    name: str
    version: int
    folder: Path


_broken: set[str] = set()
"""Controllers that let groups be made but take no process of ours."""


@functools.cache
def controllers() -> dict[str, Controller]:
    """The controllers that this process may use."""
    found = {controller.name: controller for controller in (*_version_2(), *_version_1())}
    return {name: found[name] for name in CONTROLLERS if name in found}


def _own_paths() -> dict[str, str]:
    """This process's group by controller name; version 2's under the empty name."""
    paths: dict[str, str] = {}
    for line in _lines("/proc/self/cgroup"):
        _, names, path = line.split(":", 2)
        for name in names.split(","):
            paths[name] = path
    return paths


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []


def _mounted(kind: str) -> Iterator[tuple[str, str, str]]:
    """Root, place and options of each mount of a file system."""
    for line in _lines("/proc/self/mountinfo"):
        before, _, after = line.partition(" - ")
        fields, rest = before.split(), after.split()
        if len(rest) > 2 and rest[0] == kind:  # noqa: PLR2004 - type, source, options
            yield fields[3], fields[4], rest[2]


def _below(place: str, root: str, own: str) -> Path:
    inner = os.path.relpath(own, root)
    return Path(place) if inner.startswith("..") else Path(place, inner)


def _version_1() -> Iterator[Controller]:
    own = _own_paths()
    for root, place, options in _mounted("cgroup"):
        for name in set(options.split(",")) & set(CONTROLLERS) & own.keys():
            folder = _below(place, root, own[name])
            if os.access(folder, os.W_OK | os.X_OK):
                yield Controller(name, 1, folder)


def _version_2() -> Iterator[Controller]:
    own = _own_paths().get("", "/")
    for root, place, _ in _mounted("cgroup2"):
        start = _below(place, root, own)
        for folder in (start, *start.parents):
            if not folder.is_relative_to(place):
                break
            given = " ".join(_lines(str(folder / "cgroup.subtree_control"))).split()
            if (
                os.access(folder, os.W_OK)
                and os.access(folder / "cgroup.procs", os.W_OK)
                and "memory" in given
            ):
                for name in set(given) & set(CONTROLLERS):
                    yield Controller(name, 2, folder)
                break


class Cage:
    """The control groups of one sandbox."""

    def __init__(self, name: str, limits: Limits) -> None:
        wanted = {"memory": limits.memory_bytes, "pids": limits.pids, "cpu": limits.cpus}
        self._name = f"r2egym-{name}"
        self._groups: dict[str, tuple[Controller, Path]] = {}
        for kind, controller in controllers().items():
            bound = wanted[kind]
            if bound is None or kind in _broken:
                continue
            folder = controller.folder / self._name
            try:
                folder.mkdir(exist_ok=True)
                self._groups[kind] = (controller, folder)
                for file, value in _settings(controller, bound):
                    with contextlib.suppress(FileNotFoundError):
                        (folder / file).write_text(value)
            except OSError:
                self._forget(kind, folder)
        self._oom_kills = 0

    def _forget(self, kind: str, folder: Path) -> None:
        _broken.add(kind)
        self._groups.pop(kind, None)
        with contextlib.suppress(OSError):
            folder.rmdir()

    @property
    def in_force(self) -> dict[str, str]:
        """Which bounds the groups hold, and which version of them."""
        return {kind: f"cgroup v{controller.version}" for kind, (controller, _) in self._groups.items()}

    def take_all(self, init: int) -> bool:
        """Put in those processes below ``init`` that were made before it was."""
        return all(self.take(pid) for pid in descendants(init) if not self._holds(pid))

    def _holds(self, pid: int) -> bool:
        groups = _lines(f"/proc/{pid}/cgroup")
        return sum(line.endswith(f"/{self._name}") for line in groups) >= len(
            {at for _, at in self._groups.values()}
        )

    def take(self, pid: int) -> bool:
        """Put a process in; False when a group refuses, which is then left out from now on."""
        done: set[Path] = set()
        for kind, (controller, folder) in list(self._groups.items()):
            if folder in done:
                continue
            try:
                (folder / ("tasks" if controller.version == 1 else "cgroup.procs")).write_text(str(pid))
                done.add(folder)
            except ProcessLookupError:
                return True
            except OSError:
                self._forget(kind, folder)
                return False
        return True

    def ran_out_of_memory(self) -> bool:
        """Whether the kernel has ended a process for want of memory since the last call."""
        if "memory" not in self._groups:
            return False
        controller, folder = self._groups["memory"]
        before, self._oom_kills = self._oom_kills, oom_kills(folder, controller.version)
        return self._oom_kills > before

    def close(self) -> None:
        """Remove the groups, whose processes are gone; twice is safe."""
        for _, folder in self._groups.values():
            with contextlib.suppress(OSError):
                folder.rmdir()


def memory_group(pid: int) -> tuple[Path, int] | None:
    """The control group, and its version, that bounds the memory of a process of somebody else's making."""
    for line in _lines(f"/proc/{pid}/cgroup"):
        _, names, path = line.split(":", 2)
        version = 1 if "memory" in names.split(",") else 0 if names else 2
        for root, place, options in _mounted("cgroup" if version == 1 else "cgroup2") if version else ():
            if version == 2 or "memory" in options.split(","):  # noqa: PLR2004 - a version
                return _below(place, root, path), version
    return None


def oom_kills(folder: Path, version: int) -> int:
    """How many processes of a group the kernel has ended for want of memory."""
    for line in _lines(str(folder / ("memory.oom_control" if version == 1 else "memory.events"))):
        name, _, value = line.partition(" ")
        if name == "oom_kill" and value.isdecimal():
            return int(value)
    return 0


def _settings(controller: Controller, bound: float) -> list[tuple[str, str]]:
    number = str(int(bound))
    quota = int(bound * _PERIOD)
    if controller.version == 1:
        return {
            "memory": [("memory.limit_in_bytes", number), ("memory.memsw.limit_in_bytes", number)],
            "pids": [("pids.max", number)],
            "cpu": [("cpu.cfs_period_us", str(_PERIOD)), ("cpu.cfs_quota_us", str(quota))],
        }[controller.name]
    return {
        "memory": [("memory.max", number), ("memory.swap.max", "0"), ("memory.oom.group", "0")],
        "pids": [("pids.max", number)],
        "cpu": [("cpu.max", f"{quota} {_PERIOD}")],
    }[controller.name]


def shell_limits(limits: Limits, in_force: dict[str, str]) -> str:
    """Shell code that sets, for the shell and all below it, what the kernel bounds a process by."""
    code = ["ulimit -c 0"]
    if limits.disk_bytes is not None:
        code.append(f"ulimit -f {max(1, limits.disk_bytes >> 10)}")
    if limits.memory_bytes is not None and "memory" not in in_force:
        code.append(f"ulimit -v {max(1 << 15, limits.memory_bytes >> 10)}")
    if limits.pids is not None and "pids" not in in_force and not _is_exempt():
        code.append(f"ulimit -u {limits.pids}")
    return "; ".join(code)


def _is_exempt() -> bool:
    """Whether the kernel lets this user have as many processes as it likes: the host's user 0."""
    return os.geteuid() == 0


def able_to_limit() -> frozenset[Capability]:
    """What a sandbox of this machine can be held to."""
    able = {Capability.LIMIT_MEMORY, Capability.LIMIT_PIDS, Capability.LIMIT_DISK}
    return frozenset(able | ({Capability.LIMIT_CPU} if "cpu" in controllers() else set()))


def describe(limits: Limits, in_force: dict[str, str], *, written: bool = True) -> dict[str, str]:
    """By limit asked for, what holds it; ``written``: whether what is written can be counted."""
    held = dict(in_force)
    if limits.memory_bytes is not None:
        held.setdefault("memory", "address space of a process, watcher for their sum")
    if limits.pids is not None:
        held.setdefault("pids", "watcher" if _is_exempt() else "rlimit")
    if limits.cpus is not None:
        held.setdefault("cpu", "none: no control group can be written to")
    if limits.disk_bytes is not None:
        held["disk"] = "size of a file, watcher for their sum" if written else "size of a file"
    if limits.wall_seconds is not None:
        held["wall"] = "watcher"
    return held
