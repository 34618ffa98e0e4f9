"""The Python interpreters of this machine, and how one becomes a layer.

Found in uv's own folder, in pyenv's, on ``$PATH``, in ``/usr/bin``, and the one that runs us. Each is asked who it is; what
does not answer is no interpreter. One whose files lie under ``/usr`` is there in every sandbox anyway, so its layer is a
link; any other is copied, without its tests and its installed packages.

Limits: CPython 3.6 and later (the oldest that uv installs into) and 2.7 (by older tools, see ``python2.py``), and only
builds that run from another folder, which all but a few do.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from r2egym.building.installation import copy_installation, isolation
from r2egym.building.layers import LayerStore
from r2egym.errors import TaskError
from r2egym.records import Record
from r2egym.sandboxes.base import Layer

PYTHON = "/opt/r2egym/python"
"""Where the interpreter is in a sandbox."""
VENV = "/opt/r2egym/venv"
"""Where the virtual environment is."""
OLDEST = (3, 6)
PYTHON2 = (2, 7)

_ASK = """\
import json, os, platform, sys, sysconfig
print(json.dumps({
    "executable": os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable),
    "prefix": os.path.realpath(getattr(sys, "base_prefix", sys.prefix)), "version": platform.python_version(),
    "implementation": "" if hasattr(sys, "real_prefix") else platform.python_implementation().lower(),
    "platform": sysconfig.get_platform(), "build": platform.python_build()[1] + " " + platform.python_compiler()}))
"""


class Interpreter(Record):
    """One interpreter of this machine."""

    executable: Path
    """Its real file."""
    prefix: Path
    version: str
    """``3.11.7``."""
    platform: str
    build: str
    """When and with what it was compiled."""
    digest: str
    """SHA-256 of the executable."""

    @property
    def minor(self) -> str:
        """``3.11``."""
        return ".".join(self.version.split(".")[:2])

    @property
    def is_python2(self) -> bool:
        """Whether it is Python 2.7, for which other tools make environments."""
        return self.version.startswith("2.")

    @property
    def command(self) -> str:
        """Its path in a sandbox."""
        return f"{PYTHON}/bin/python{self.minor}"

    @property
    def key(self) -> str:
        """Names it in cache keys: equal keys, equal interpreters."""
        said = f"{self.version} {self.platform} {self.build} {self.digest} {self.is_system}"
        return f"{self.version}-{hashlib.sha256(said.encode()).hexdigest()[:16]}"

    @property
    def is_system(self) -> bool:
        """Whether a sandbox sees it without our doing."""
        return self.prefix in {Path("/usr"), Path("/usr/local")}


def find_interpreters(
    store: LayerStore, path: tuple[Path, ...], pyenv_root: Path, user_home: Path
) -> list[Interpreter]:
    """All interpreters, one a minor version, newest first; what they answered is remembered."""
    memory = store.home / "interpreters.json"
    known = _remembered(memory)
    asked: dict[str, dict[str, str] | None] = {}
    found: dict[str, Interpreter] = {}
    for candidate in _candidates(path, pyenv_root, user_home):
        try:
            status = candidate.stat()
        except OSError:
            continue
        stamp = f"{candidate}:{candidate.resolve()}:{status.st_mtime_ns}:{status.st_size}"
        if stamp in asked:
            continue
        asked[stamp] = known[stamp] if stamp in known else _ask(candidate)
        if answer := asked[stamp]:
            interpreter = Interpreter.model_validate(answer)
            best = found.get(interpreter.minor)
            if best is None or _numbers(interpreter) > _numbers(best):
                found[interpreter.minor] = interpreter
    if asked != known:
        store.home.mkdir(parents=True, exist_ok=True)
        with store.scratch() as scratch:
            (scratch / "memory").write_text(json.dumps(asked))
            (scratch / "memory").replace(memory)
    return sorted(found.values(), key=_numbers, reverse=True)


def interpreter_layer(store: LayerStore, interpreter: Interpreter) -> Layer:
    """The interpreter as a layer at :data:`PYTHON`. Raises TaskError."""

    def build(folder: Path) -> None:
        if interpreter.is_system:
            (folder / "bin").mkdir()
            for name in ("python", f"python{interpreter.minor[0]}", f"python{interpreter.minor}"):
                (folder / "bin" / name).symlink_to(interpreter.executable)
        else:
            copy_installation(interpreter.executable, interpreter.prefix, interpreter.minor, folder, PYTHON)

    return Layer(target=PYTHON, sources=(store.layer("interpreters", interpreter.key, build),))


def _candidates(path: tuple[Path, ...], pyenv_root: Path, user_home: Path) -> Iterator[Path]:
    """Files that may be interpreters, the likeliest first."""
    yield Path(getattr(sys, "_base_executable", None) or sys.executable)
    folders = [folder for folder in path if "shims" not in folder.parts]
    folders += [Path("/usr/bin"), Path("/usr/local/bin")]
    for root in (pyenv_root / "versions", user_home / ".local/share/uv/python"):
        folders += sorted(root.glob("*/bin")) if root.is_dir() else []
    for folder in dict.fromkeys(folders):
        yield from sorted(folder.glob("python3.[0-9]")) + sorted(folder.glob("python3.[0-9][0-9]"))
        yield from (folder / "python3", folder / "python2.7")


def _ask(candidate: Path) -> dict[str, str] | None:
    """What an interpreter says of itself; None when it is none that we can use."""
    try:
        done = subprocess.run(
            [candidate, *isolation(candidate.name), "-c", _ASK],
            capture_output=True,
            timeout=20,
            check=False,
            env={"PATH": os.defpath},
        )
        said: dict[str, str] = json.loads(done.stdout) if done.returncode == 0 else {}
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    numbers = tuple(map(int, said.get("version", "0.0").split(".")[:2]))
    if said.pop("implementation", "") != "cpython" or (numbers < OLDEST and numbers != PYTHON2):
        return None
    with open(said["executable"], "rb") as file:  # noqa: PTH123
        said["digest"] = hashlib.file_digest(file, "sha256").hexdigest()
    return said


def _remembered(memory: Path) -> dict[str, dict[str, str] | None]:
    try:
        found: dict[str, dict[str, str] | None] = json.loads(memory.read_text())
    except (OSError, ValueError):
        return {}
    return found


def _numbers(interpreter: Interpreter) -> tuple[int, ...]:
    return tuple(int("".join(filter(str.isdigit, part)) or 0) for part in interpreter.version.split("."))


def pick(interpreters: list[Interpreter], minor: str) -> Interpreter:
    """The interpreter of a minor version. Raises TaskError when this machine has none."""
    for interpreter in interpreters:
        if interpreter.minor == minor:
            return interpreter
    have = ", ".join(interpreter.version for interpreter in interpreters) or "none"
    raise TaskError(
        f"Python {minor} is needed and not on this machine (it has {have}); install it with uv or pyenv"
    )
