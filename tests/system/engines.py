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
