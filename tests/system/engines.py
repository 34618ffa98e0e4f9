"""What the tests of an engine look at."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from r2egym.sandboxes.docker import DockerBackend


def containers(backend: DockerBackend, home: Path) -> list[str]:
    """Names of the containers of a home."""
    found = backend.engine.api.containers(all=True, filters={"label": f"r2egym.home={home}"})
    return [name for one in found for name in one["Names"]]


def passing(backend: DockerBackend, home: Path) -> list[str]:
    """Images that were made for one sandbox of a home, or of one."""
    found = backend.engine.api.images(filters={"label": f"r2egym.home={home}"})
    return [name for one in found for name in one["RepoTags"] or [one["Id"]]]


def install_packages(*names: str, program: str) -> None:
    """Bring a program from Debian, which needs user 0 and apt; without them the test is skipped."""
    if shutil.which(program):
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        pytest.skip(f"no {program} here, and no right to install one")
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update"], ["install", "-y", "--no-install-recommends", *names]):
        done = subprocess.run(
            ["apt-get", *words], capture_output=True, text=True, check=False, env=environment
        )
        if done.returncode:
            pytest.skip(f"{program} cannot be installed: {(done.stderr or done.stdout).splitlines()[-1]}")


def debian_mirror() -> str:
    """Where this machine's apt gets Debian from."""
    line = "$(ORIGIN)|$(LABEL)|$(REPO_URI)"
    query = ["apt-get", "indextargets", "--format", line, "Created-By: Packages"]
    for row in subprocess.run(query, capture_output=True, text=True, check=True).stdout.splitlines():
        origin, label, uri = row.split("|")
        if origin == label == "Debian":
            return uri
    pytest.skip("apt's sources name no Debian mirror")


def need_debootstrap() -> None:
    """Skip the test where no Debian can be unpacked."""
    if os.geteuid() != 0:
        pytest.skip("needs root")
    if shutil.which("apt-get") is None:
        pytest.skip("needs apt")
    if shutil.which("debootstrap") is None:
        for command in (["apt-get", "update", "-q"], ["apt-get", "install", "-qy", "debootstrap"]):
            if subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, check=False).returncode:
                pytest.skip(f"needs debootstrap, and `{' '.join(command)}` failed")


def debootstrap(root: Path, packages: str) -> None:
    """Unpack a Debian 12; where that cannot be, the test is skipped."""
    need_debootstrap()
    command = [
        "debootstrap",
        "--variant=minbase",
        f"--include={packages}",
        "bookworm",
        str(root),
        debian_mirror(),
    ]
    made = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    if made.returncode:
        pytest.skip(f"debootstrap failed: {(made.stderr or made.stdout).splitlines()[-1]}")
