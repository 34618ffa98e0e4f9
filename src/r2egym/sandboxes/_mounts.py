"""A sandbox's configuration as arguments of ``bwrap``.

The root is an overlay too, so that every path but ``/usr`` can be written to, on disk, within the sandbox's folder.
"""

from __future__ import annotations

import functools
import os
from dataclasses import dataclass
from pathlib import Path

from r2egym.errors import SandboxStartError, UsageError
from r2egym.sandboxes._skeleton import skeleton
from r2egym.sandboxes._workspace import Overlay, Workspace
from r2egym.sandboxes.base import Layer, SandboxConfig

IO_FOLDER = "/run/r2egym"
PATH = (
    "/opt/r2egym/venv/bin:/opt/r2egym/python/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
)
_SHARED_MEMORY = "/dev/shm"  # noqa: S108 - a path inside
_HIDDEN = ("/usr/lib/python3/dist-packages", "/usr/local/lib")
"""Where a distribution and an administrator keep Python packages."""
_MAY_WRITE = 0o222
_KERNEL_FACTS = frozenset({"latency_stats", "sched_debug", "slabinfo", "timer_list", "vmallocinfo"})
"""Facts about the host that its user 0 may read; what else there is asks for a capability."""


@dataclass(frozen=True)
class Mounts:
    """Arguments for ``bwrap`` and where the written sides lie, by target (``/`` is the root)."""

    arguments: tuple[str, ...]
    overlays: dict[str, Overlay]


def default_env(config: SandboxConfig) -> dict[str, str]:
    """The whole environment of a sandbox's commands."""
    return {"PATH": PATH, "HOME": "/root", "LANG": "C.UTF-8", "TERM": "dumb"} | config.env


def plan(
    config: SandboxConfig, workspace: Workspace, home: Path, *, stacked: dict[str, list[Path]]
) -> Mounts:
    """Arguments that make the sandbox's file system, with new and empty written sides.

    Args:
        config: what is asked for.
        workspace: where the written sides go.
        home: ``$R2EGYM_HOME``.
        stacked: by target, folders to lay between the configuration's layers and the written side, topmost first.
    """
    check(config)
    overlays = {"/": workspace.overlay("root")}
    root = config.rootfs or skeleton(home / "sandboxes/.system", config.uid)
    arguments = _overlay("/", (*stacked.get("/", ()), root), overlays["/"])
    if config.rootfs is None:
        arguments += ["--ro-bind", "/usr", "/usr", *_hide_packages(home)]
    arguments += ["--proc", "/proc", *_cover_proc(), "--dev", "/dev"]
    arguments += ["--size", str(shm_size(config)), "--perms", "1777", "--tmpfs", _SHARED_MEMORY]
    arguments += ["--remount-ro", "/dev"]  # a tmpfs without a bound
    for number, layer in enumerate(config.layers):
        if layer.writable:
            overlays[layer.target] = workspace.overlay(f"layer{number}")
            lower = (*stacked.get(layer.target, ()), *layer.sources)
            arguments += _overlay(layer.target, lower, overlays[layer.target])
        else:
            arguments += _read_only(layer)
    if config.network == "host":
        for name in ("resolv.conf", "hosts"):
            arguments += ["--ro-bind-try", os.path.realpath(f"/etc/{name}"), f"/etc/{name}"]
    arguments += ["--ro-bind", str(workspace.io), IO_FOLDER]
    return Mounts(tuple(arguments), overlays)


def check(config: SandboxConfig) -> None:
    """Raise UsageError for a configuration that makes no sense."""
    targets: set[str] = set()
    for layer in config.layers:
        target = layer.target
        if not target.startswith("/") or os.path.normpath(target) != target or target == "/":
            raise UsageError(f"a layer's target must be an absolute, plain path below /: {target!r}")
        if target in targets:
            raise UsageError(f"two layers have the target {target}")
        targets.add(target)
        if not layer.sources and not layer.writable:
            raise UsageError(f"the layer at {target} has no sources and takes no writes")
        for source in layer.sources:
            if not source.exists():
                raise SandboxStartError(f"the layer at {target} has a source that is not there: {source}")
    if config.network == "index" and not config.index:
        raise UsageError("network 'index' needs the path of a Unix socket in `index`")
    if config.rootfs is not None and not config.rootfs.is_dir():
        raise SandboxStartError(f"the root file system is not there: {config.rootfs}")


def _overlay(target: str, lower: tuple[Path, ...], written: Overlay) -> list[str]:
    sources = [part for path in reversed(lower) for part in ("--overlay-src", str(path.absolute()))]
    if not sources:
        return ["--bind", str(written.upper), target]
    return [*sources, "--overlay", str(written.upper), str(written.work), target]


def _read_only(layer: Layer) -> list[str]:
    if len(layer.sources) == 1:
        return ["--ro-bind", str(layer.sources[0].absolute()), layer.target]
    sources = [part for path in reversed(layer.sources) for part in ("--overlay-src", str(path.absolute()))]
    return [*sources, "--ro-overlay", layer.target]


def _hide_packages(home: Path) -> list[str]:
    empty = home / "sandboxes/.system/empty"
    empty.mkdir(parents=True, exist_ok=True)
    return [part for folder in package_folders() for part in ("--ro-bind", str(empty), folder)]


@functools.cache
def package_folders() -> tuple[str, ...]:
    """Where this machine keeps Python packages that sandboxes must not see."""
    folders = [Path(_HIDDEN[0])]
    for kind in ("dist-packages", "site-packages"):
        folders += sorted(Path(_HIDDEN[1]).glob(f"python3*/{kind}"))
    return tuple(str(folder) for folder in folders if folder.is_dir() and not folder.is_symlink())


@functools.cache
def _cover_proc() -> tuple[str, ...]:
    """Make all of ``/proc`` that is not about processes read-only, and hide some facts.

    A sandbox of host root runs as the host's user 0 without a capability, and that user owns the files there: writing to
    ``/proc/sys/kernel/core_pattern`` or ``/proc/scsi/scsi`` asks for no capability, and would be the end of the host.
    """
    covered = [("/proc/sys", "/proc/sys")]
    if os.geteuid() == 0:
        for path in sorted(Path("/proc").iterdir()):
            if path.name.isdecimal() or path.is_symlink() or path.name == "sys":
                continue
            if path.name in _KERNEL_FACTS and path.is_file():
                covered.append(("/dev/null", str(path)))
            elif _holds_a_switch(path):
                covered.append((str(path), str(path)))
    return tuple(part for source, target in covered for part in ("--ro-bind", source, target))


def _holds_a_switch(path: Path) -> bool:
    """Whether something at or below ``path`` has a permission to write."""
    if not path.is_dir():
        return bool(path.lstat().st_mode & _MAY_WRITE)
    for folder, _, names in os.walk(path):
        for name in names:
            try:
                if os.lstat(f"{folder}/{name}").st_mode & _MAY_WRITE:
                    return True
            except OSError:
                continue
    return False


def shm_size(config: SandboxConfig) -> int:
    """Half the memory at most: a full /dev/shm must leave room for the command that empties it."""
    memory, disk = config.limits.memory_bytes, config.limits.disk_bytes
    return min(1 << 28, memory // 2 if memory else 1 << 28, disk or 1 << 28)
