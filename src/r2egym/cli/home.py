"""The folder that everything is kept under, ready for use."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from r2egym import settings

_OWNED = re.compile(r"[a-z]+-(\d+)-")


def ready_home() -> Path:
    """``$R2EGYM_HOME``, after what killed processes left there was removed."""
    home = settings.load().home
    clean(home)
    return home


def clean(home: Path) -> tuple[tuple[str, ...], int]:
    """Remove sandboxes and temporary folders whose owners are dead; their names, and the bytes that sandboxes freed."""
    from r2egym.sandboxes import reap

    report = reap(home)
    removed = list(report.removed)
    for path in (home / "tmp").glob("*") if (home / "tmp").is_dir() else ():
        owner = _OWNED.match(path.name)
        if owner and not Path("/proc", owner[1]).exists() and os.access(path, os.W_OK):
            shutil.rmtree(path, ignore_errors=True)
            removed.append(path.name)
    return tuple(removed), report.freed_bytes
