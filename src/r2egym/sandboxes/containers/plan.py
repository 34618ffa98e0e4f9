"""A sandbox's configuration as an image and mounts of a container.

Where something may be written to, the image holds it: an agent's environment is the image of its task, the same that
``r2egym images`` builds. Where nothing may be (a grading run), the layers are mounted as they lie on this machine, and no image is made
that nobody would use again.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from r2egym.errors import UsageError
from r2egym.sandboxes._mounts import IO_FOLDER, check, package_folders, shm_size
from r2egym.sandboxes._skeleton import etc_texts, skeleton
from r2egym.sandboxes._workspace import Workspace
from r2egym.sandboxes.base import Layer, SandboxConfig
from r2egym.sandboxes.containers.base import write_places
from r2egym.sandboxes.containers.images import is_stored
from r2egym.sandboxes.containers.layers import Piece

_MASKED = (
    "/sys", "/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
    "/proc/sched_debug", "/proc/scsi", "/proc/timer_list", "/proc/timer_stats", "/sys/firmware",
)  # fmt: skip
"""What the engine hides by default, and ``/sys``, which a sandbox has no use for."""
_READ_ONLY = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")


@dataclass(frozen=True)
class Recipe:
    """What an image is made of."""

    base: str
    """An image to stand on; empty: none."""
    pieces: tuple[Piece, ...]
    """Lowest first."""
    lasting: bool
    """Whether it is worth keeping: all of it comes from the store, or from this machine's system."""


def user_of(config: SandboxConfig) -> int:
    """The user of a sandbox, in it and on the host: without user 0's power to change users, this one."""
    return config.uid if os.geteuid() == 0 else os.geteuid()


def recipe(config: SandboxConfig, home: Path, base: str) -> Recipe:
    """The image for a configuration.

    Args:
        config: what is asked for.
        home: ``$R2EGYM_HOME``.
        base: an image to stand in for the host's ``/usr``; empty: none does.
    """
    check(config)
    if config.image and config.rootfs:
        raise UsageError("a sandbox stands on an image or on a root file system, not on both")
    pieces = list(_system(config, home, base))
    for layer in config.layers:
        if is_in_image(layer, config, home):
            pieces += _pieces(layer, config, home)
    return Recipe(
        config.image or ("" if config.rootfs else base),
        tuple(pieces),
        all(is_stored(piece.source, home) or piece.source.is_relative_to("/usr") for piece in pieces),
    )


def _system(config: SandboxConfig, home: Path, base: str) -> list[Piece]:
    if config.image:
        return []
    uid = user_of(config)
    system = home / "sandboxes/.system"
    places = Piece(write_places(system, uid, etc_texts(uid)), "/", is_archive=True)
    if config.rootfs:
        return [Piece(config.rootfs, "/", keeps_owners=True), places]
    return [places] if base else [Piece(skeleton(system, uid), "/"), places]


def is_in_image(layer: Layer, config: SandboxConfig, home: Path) -> bool:
    """Whether a layer is part of the image, rather than a mount."""
    if layer.writable:
        return True
    return any(other.writable for other in config.layers) and all(
        is_stored(source, home) for source in layer.sources
    )


def _pieces(layer: Layer, config: SandboxConfig, home: Path) -> list[Piece]:
    owner = user_of(config) if layer.writable else 0
    sources = layer.sources or (empty_folder(home),)
    return [
        Piece(source.absolute(), layer.target, owner, hides=number == 0)
        for number, source in enumerate(reversed(sources))
    ]


def empty_folder(home: Path) -> Path:
    """A folder with nothing in it."""
    empty = home / "sandboxes/.system/empty"
    empty.mkdir(parents=True, exist_ok=True)
    return empty


def host_settings(config: SandboxConfig, workspace: Workspace, home: Path, base: str) -> dict[str, Any]:
    """The part of a container's description that is about the host: mounts, isolation, bounds."""
    limits = config.limits
    settings: dict[str, Any] = {
        "NetworkMode": "host" if config.network == "host" else "none",
        "CapDrop": ["ALL"],
        "SecurityOpt": ["no-new-privileges"],
        "MaskedPaths": list(_MASKED),
        "ReadonlyPaths": list(_READ_ONLY),
        "LogConfig": {"Type": "none"},
        "ShmSize": shm_size(config),
        "Mounts": _mounts(config, workspace, home, base),
    }
    if limits.memory_bytes is not None:
        settings |= {"Memory": limits.memory_bytes, "MemorySwap": limits.memory_bytes}
    if limits.pids is not None:
        settings["PidsLimit"] = limits.pids
    if limits.cpus is not None:
        settings["NanoCpus"] = int(limits.cpus * 1e9)
    return settings


def _mounts(config: SandboxConfig, workspace: Workspace, home: Path, base: str) -> list[dict[str, Any]]:
    mounts = [_bind(workspace.io, IO_FOLDER)]
    if not (config.image or config.rootfs or base):
        writable = [layer.target for layer in config.layers if layer.writable]
        mounts += _system_mounts(Path("/usr"), writable)
        mounts += [_bind(empty_folder(home), folder) for folder in package_folders()]
    for layer in config.layers:
        if not is_in_image(layer, config, home):
            mounts.append(_read_only(layer, workspace))
    return mounts


def _system_mounts(folder: Path, spared: Sequence[str]) -> list[dict[str, Any]]:
    """The host's system, but for places below it that the image holds, because they may be written to."""
    if not any(Path(place).is_relative_to(folder) for place in spared):
        return [_bind(folder, str(folder))]
    if str(folder) in spared:
        return []
    children = [child for child in sorted(folder.iterdir()) if not child.is_symlink()]
    return [mount for child in children for mount in _system_mounts(child, spared)]


def _bind(source: Path, target: str) -> dict[str, Any]:
    return {"Type": "bind", "Source": str(source.absolute()), "Target": target, "ReadOnly": True}


def _read_only(layer: Layer, workspace: Workspace) -> dict[str, Any]:
    """One folder as it is; several as an overlay without a written side, which the engine forgets with the container."""
    if len(layer.sources) == 1:
        return _bind(layer.sources[0], layer.target)
    links = [_link(source, workspace) for source in layer.sources]
    options = {"type": "overlay", "device": "overlay", "o": f"ro,lowerdir={':'.join(links)}"}
    return {
        "Type": "volume",
        "Target": layer.target,
        "VolumeOptions": {"NoCopy": True, "DriverConfig": {"Name": "local", "Options": options}},
    }


def _link(source: Path, workspace: Workspace) -> str:
    """A short and plain name for a folder: an overlay's options are bounded, and some characters mean something in them."""
    name = hashlib.sha256(str(source).encode()).hexdigest()[:8]
    link = workspace.path / f"l{name}"
    if not link.is_symlink():
        link.symlink_to(source.absolute())
    return str(link)


def targets(config: SandboxConfig) -> Sequence[str]:
    """Where a sandbox's user may write, but for the root."""
    return [layer.target for layer in config.layers if layer.writable]
