"""The only reader of the process environment.

Everything below this module receives what it needs as arguments; the command line and the public entry points call
:func:`load` once.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Settings:
    """What the process environment says."""

    home: Path
    """Where layers, repositories, sandboxes and journals are kept; all of it may be deleted at any time."""
    path: tuple[Path, ...]
    """The folders of ``$PATH``, searched for interpreters."""
    pyenv_root: Path
    """Where pyenv keeps its interpreters."""
    user_home: Path
    """The user's own folder."""


def load() -> Settings:
    """Read the settings: ``$R2EGYM_HOME`` (default ``$XDG_CACHE_HOME/r2egym``), ``$PATH``, ``$PYENV_ROOT``."""
    user_home = Path.home()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or user_home / ".cache")
    return Settings(
        home=Path(os.environ.get("R2EGYM_HOME") or cache / "r2egym").expanduser().absolute(),
        path=tuple(Path(part) for part in os.environ.get("PATH", os.defpath).split(os.pathsep) if part),
        pyenv_root=Path(os.environ.get("PYENV_ROOT") or user_home / ".pyenv"),
        user_home=user_home,
    )
