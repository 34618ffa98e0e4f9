"""An environment made of the interpreter that runs these tests, for the rooms that run tests in sandboxes."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from r2egym.records import Recipe
from r2egym.sandboxes.base import Layer, SandboxConfig

NEEDED = ("pytest", "_pytest", "pluggy", "iniconfig", "packaging", "pygments", "py.py")
RECIPE = Recipe(python=f"{sys.version_info[0]}.{sys.version_info[1]}", packages=("larder",))


def make_venv(folder: Path, *, version: str, site: Path, names: tuple[str, ...] = NEEDED) -> Path:
    """A virtual environment for ``/opt/r2egym/venv`` with some packages of ``site`` in it."""
    target = folder / f"lib/python{version}/site-packages"
    target.mkdir(parents=True)
    (folder / "bin").mkdir()
    (folder / "bin/python").symlink_to(f"/opt/r2egym/python/bin/python{version}")
    (folder / "pyvenv.cfg").write_text(
        "home = /opt/r2egym/python/bin\ninclude-system-site-packages = false\n"
    )
    for name in names:
        source = site / name
        if source.is_dir():
            shutil.copytree(source, target / name)
        elif source.is_file():
            shutil.copy(source, target / name)
    (target / "__project__.pth").write_text("/testbed\n")
    return folder


def running_venv(folder: Path) -> Path:
    """:func:`make_venv` from the interpreter that runs now."""
    return make_venv(folder, version=RECIPE.python, site=Path(pytest.__file__).parent.parent)


def config(venv: Path, tree: Path, *, prefix: str = sys.base_prefix, writable: bool = False) -> SandboxConfig:
    """A work tree and the environment around it."""
    return SandboxConfig(
        layers=(
            Layer(target="/opt/r2egym/python", sources=(Path(prefix),)),
            Layer(target="/opt/r2egym/venv", sources=(venv,)),
            Layer(target="/testbed", sources=(tree,), writable=writable),
        ),
        env={
            "LD_LIBRARY_PATH": "/opt/r2egym/python/lib"
        },  # an interpreter may have been built for another place
        cwd="/testbed",
    )


def write(folder: Path, files: dict[str, str]) -> Path:
    """Write files below a folder."""
    for path, text in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    return folder
