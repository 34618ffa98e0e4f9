#!/usr/bin/env python3
"""Make ``.venv`` ready, on a machine that may have nothing but Python, git and make.

    python3 scripts/bootstrap.py run|dev|system

``run`` installs what ``r2egym`` needs, ``dev`` also what its tests and linters need, ``system`` also the heavy extras that
only the system tests use, all from the hashed pins in ``requirements/``, and then the project itself, editable. When nothing has changed since the last time it returns at
once. A ``.venv`` that was deleted, half finished, moved or built for another interpreter is made anew.

It uses the standard library alone, and syntax that Python 3.8 reads, because it runs before anything is installed.
Limits: Linux only; one index (the one that uv's or pip's configuration names, else Python's own).
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Iterator

sys.path.insert(0, str(Path(__file__).resolve().parent))

from find_uv import SetupError, configured_index, find_uv

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / "r2egym-setup.json"
UNFINISHED = VENV / "r2egym-unfinished"
MINIMUM = (3, 11)
KINDS = ("run", "dev", "system")
"""Each holds the ones before it."""


def say(text: str) -> None:
    """Tell the user one line about the set-up."""
    print(f"set-up: {text}", file=sys.stderr, flush=True)


def fingerprint(kind: str) -> dict[str, str]:
    """Everything that makes a finished set-up stale when it changes."""
    digest = hashlib.sha256()
    for path in (ROOT / "pyproject.toml", *sorted((ROOT / "requirements").glob("*.txt")), Path(__file__)):
        digest.update(path.read_bytes())
    return {"kind": kind, "root": str(ROOT), "inputs": digest.hexdigest()}


def is_fresh(kind: str) -> bool:
    """Whether the last set-up covers ``kind`` and nothing has changed since."""
    try:
        stamp = json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    covered = KINDS[KINDS.index(kind) :]
    return (
        not UNFINISHED.exists()
        and any(stamp == fingerprint(one) for one in covered)
        and (VENV / "bin" / "r2egym").is_file()
        and os.path.exists(VENV / "bin" / "python")  # follows the link: its interpreter may have gone
    )


def interpreter_version(python: Path) -> tuple[int, ...]:
    """Version of a virtual environment's interpreter; empty when it does not run, or is not where it thinks."""
    code = "import sys; print(sys.prefix); print(*sys.version_info[:2])"
    try:
        run = subprocess.run([str(python), "-c", code], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ()
    prefix, version = run.stdout.splitlines()[-2:]
    return tuple(map(int, version.split())) if prefix == str(VENV) else ()


def is_usable() -> bool:
    """Whether ``.venv`` can be installed into as it is: nobody's unfinished work, in its place, new enough."""
    try:
        moved = json.loads(STAMP.read_text(encoding="utf-8")).get("root") != str(ROOT)
    except (OSError, ValueError):
        moved = False  # no stamp: made by `uv venv` or `uv sync`, which is welcome
    return not moved and not UNFINISHED.exists() and interpreter_version(VENV / "bin" / "python") >= MINIMUM


def uv_environment() -> dict[str, str]:
    """The environment for uv: pip's index and certificates when uv has none, a cache that can be written to."""
    env = dict(os.environ)
    env.pop("VIRTUAL_ENV", None)
    index = configured_index()
    if index:
        env.setdefault("UV_DEFAULT_INDEX", index)
    certificates = env.get("PIP_CERT") or env.get("REQUESTS_CA_BUNDLE")
    if certificates:
        env.setdefault("SSL_CERT_FILE", certificates)
    cache = Path(env.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    existing = next(path for path in (cache, *cache.parents) if path.exists())
    if not os.access(existing, os.W_OK):
        env.setdefault("UV_CACHE_DIR", str(ROOT / ".uv" / "cache"))
    if existing.stat().st_dev != ROOT.stat().st_dev:
        env.setdefault("UV_LINK_MODE", "copy")
    return env


def run_uv(uv: str, *arguments: str) -> None:
    """Run uv; its own messages say what went wrong."""
    quiet = [] if sys.stderr.isatty() else ["--quiet"]
    if subprocess.run([uv, *arguments, *quiet], env=uv_environment(), cwd=ROOT, check=False).returncode:
        raise SetupError(f"uv could not do its part ({' '.join(arguments[:2])}); its message stands above")


def install(kind: str) -> None:
    """Bring ``.venv`` to the pins, and the project into it."""
    uv = find_uv(ROOT, say)
    if not is_usable():
        if VENV.exists():
            say("making .venv anew")
            shutil.rmtree(VENV)
        python = sys.executable if sys.version_info[:2] >= MINIMUM else ">=3.11"
        run_uv(uv, "venv", "--python", python, str(VENV))
    UNFINISHED.touch()
    say(f"installing the pins of requirements/{kind}.txt")
    target = ("--python", str(VENV / "bin" / "python"))
    pins = ("--require-hashes", "--only-binary", ":all:", "-r", f"requirements/{kind}.txt")
    run_uv(uv, "pip", "install", *target, *pins)
    build = ("--build-constraints", "requirements/build.txt")
    run_uv(uv, "pip", "install", *target, "--no-deps", *build, "--editable", ".")
    STAMP.write_text(json.dumps(fingerprint(kind)), encoding="utf-8")
    UNFINISHED.unlink()
    say("ready")


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Hold the set-up's lock, so that two makes at once do not install over each other."""
    (ROOT / ".uv").mkdir(exist_ok=True)
    with open(ROOT / ".uv" / "lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main(arguments: list[str]) -> int:
    """Set up what ``arguments`` asks for; 0 when ready, 2 when it could not be done."""
    if len(arguments) != 1 or arguments[0] not in KINDS:
        print(__doc__, file=sys.stderr)
        return 2
    kind = arguments[0]
    if is_fresh(kind):
        return 0
    try:
        with alone():
            if not is_fresh(kind):
                install(kind)
    except (SetupError, OSError) as error:
        say(f"failed: {error}")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
