"""Requirements → an exact lock as of a date → the virtual environment it stands for, as a layer.

Both steps may run foreign code (a ``setup.py``), so both run in a build sandbox that reaches the package index and
nothing else; what comes out is text that is checked, or files that are imported one by one.

Locks are shared without guessing: a resolution depends on the files that the index showed for the projects it asked
about, so it holds for every date as of which these projects show the same files. Commits between two uploads cost one
resolution, and commits with equal locks one virtual environment.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from r2egym.building.dates import rfc3339, tools_floor
from r2egym.building.index import SIMPLE, IndexServer
from r2egym.building.interpreters import PYTHON, Interpreter, interpreter_layer
from r2egym.building.layers import LayerStore
from r2egym.building.plain import MTIME
from r2egym.building.source import Source
from r2egym.building.upstream import IndexUnreachableError
from r2egym.errors import BuildError
from r2egym.records import ExecResult
from r2egym.sandboxes.base import Backend, Layer, Limits, SandboxConfig

VENV = "/opt/r2egym/venv"
TOOLS = "/opt/r2egym/tools"
_TIMEOUT = 900.0
_LOG = 20_000
_LINE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9.!+_-]+( --hash=sha256:[0-9a-f]{64})+")
TIMELESS = (
    "pytest", "pluggy", "iniconfig", "packaging", "attrs", "py", "tomli", "exceptiongroup", "atomicwrites", "more-itertools",
    "importlib-metadata", "zipp", "typing-extensions", "pathlib2", "six", "pygments", "colorama", "setuptools", "wheel", "pip",
    "flit-core", "hatchling", "poetry-core", "pdm-backend", "setuptools-scm", "vcs-versioning", "hatch-vcs", "pathspec",
    "trove-classifiers", "pyparsing", "editables", "cython",
)  # fmt: skip
"""Test runners and build tools, with what these need: not part of what a commit was written against, so where the only
Python at hand is younger than the commit, they are taken as of that Python's time."""
_FLAGS = (
    "--no-config", "--no-python-downloads", "--no-cache", "--no-progress", "--color", "never",
    "--index-url", SIMPLE, "--index-strategy", "first-index", "--keyring-provider", "disabled",
)  # fmt: skip


class Resolver:
    """Resolves and installs with one index. Safe for threads and processes."""

    def __init__(self, store: LayerStore, backend: Backend, source: Source, uv: Path) -> None:
        self.store = store
        self._backend = backend
        self._source = source
        self._uv = uv

    # --- resolution ---------------------------------------------------------------------------------------------

    def resolve(
        self, interpreter: Interpreter, requirements: Sequence[str], constraints: Sequence[str], before: float
    ) -> tuple[str, ...]:
        """The lock for ``requirements``, from what was uploaded before that moment (seconds since 1970).

        Raises:
            BuildError: reason ``resolve-failed`` or ``index-unreachable``.
        """
        if not requirements:
            return ()
        said = [sorted(requirements), sorted(constraints), interpreter.key, self._source.identity]
        key = hashlib.sha256(json.dumps(said).encode()).hexdigest()
        memory = self.store.home / "index/locks" / f"{key}.json"
        if (known := _recall(memory, before)) is not None:
            return known
        with self.store.locked(f"lock-{key[:16]}"):
            if (known := _recall(memory, before)) is not None:
                return known
            lock, interval = self._compile(interpreter, requirements, constraints, before)
            _remember(memory, interval, lock)
        return lock

    def _compile(
        self, interpreter: Interpreter, requirements: Sequence[str], constraints: Sequence[str], before: float
    ) -> tuple[tuple[str, ...], tuple[float, float]]:
        command = [
            f"{TOOLS}/uv", "pip", "compile", "/tmp/requirements.in", "--constraints", "/tmp/constraints.txt",  # noqa: S108
            "--python", f"{PYTHON}/bin/python3", "--generate-hashes", "--no-header", "--no-annotate", "--no-sources",
            *_FLAGS, *_dates(interpreter, before),
        ]  # fmt: skip
        with self._serve(interpreter, before) as server:
            with self._backend.open(self._config(interpreter, server)) as sandbox:
                sandbox.write_file("/tmp/requirements.in", "\n".join(requirements) + "\n")  # noqa: S108
                sandbox.write_file("/tmp/constraints.txt", "\n".join(constraints) + "\n")  # noqa: S108
                done = sandbox.exec(command, timeout=_TIMEOUT, output_limit=1 << 26)
            _check(done, server, "resolve-failed", "its dependencies cannot be resolved")
            return parse_lock(done.stdout), server.interval()

    # --- installation -------------------------------------------------------------------------------------------

    def environment(self, interpreter: Interpreter, lock: Sequence[str], before: float) -> Path:
        """The layer of :data:`VENV` for a lock; every file that goes into it has a hash of the lock's.

        Raises:
            BuildError: reason ``install-failed`` or ``index-unreachable``.
        """
        said = json.dumps([list(lock), interpreter.key])
        key = hashlib.sha256(said.encode()).hexdigest()
        return self.store.layer("venvs", key, lambda folder: self._install(interpreter, lock, before, folder))

    def _install(self, interpreter: Interpreter, lock: Sequence[str], before: float, target: Path) -> None:
        for line in lock:
            if not _LINE.fullmatch(line):
                raise BuildError("bad-lock", f"not a pinned requirement with hashes: {line[:200]!r}")
        script = install_script([*_FLAGS, *_dates(interpreter, before)])
        with self.store.scratch() as scratch, self._serve(interpreter, before) as server:
            (scratch / "empty").mkdir()
            config = self._config(
                interpreter, server, Layer(target=VENV, sources=(scratch / "empty",), writable=True)
            )
            with self._backend.open(config) as sandbox:
                sandbox.write_file("/tmp/lock.txt", "\n".join(lock) + "\n")  # noqa: S108
                done = sandbox.exec(script, timeout=_TIMEOUT)
                _check(done, server, "install-failed", "its dependencies cannot be installed")
                sandbox.export(VENV, scratch / "venv")
            self.store.import_tree(scratch / "venv", target)

    # --- the build sandbox --------------------------------------------------------------------------------------

    def _serve(self, interpreter: Interpreter, before: float) -> IndexServer:
        return IndexServer(self._source, before, dict.fromkeys(TIMELESS, tools_floor(interpreter.minor)))

    def _config(self, interpreter: Interpreter, server: IndexServer, *further: Layer) -> SandboxConfig:
        return SandboxConfig(
            layers=(interpreter_layer(self.store, interpreter), tools_layer(self.store, self._uv), *further),
            env={"UV_HTTP_TIMEOUT": "120", "UV_NO_PROGRESS": "1", "SOURCE_DATE_EPOCH": str(MTIME)},
            cwd="/tmp",  # noqa: S108 - the sandbox's own
            network="index",
            index=server.socket,
            limits=Limits(pids=1024),
        )


def tools_layer(store: LayerStore, uv: Path) -> Layer:
    """A layer with ``uv`` in it."""
    status = uv.stat()
    key = hashlib.sha256(f"{uv.resolve()} {status.st_size} {status.st_mtime_ns}".encode()).hexdigest()[:32]

    def build(folder: Path) -> None:
        shutil.copyfile(uv, folder / "uv")
        (folder / "uv").chmod(0o755)

    return Layer(target=TOOLS, sources=(store.layer("tools", key, build),))


def install_script(flags: Sequence[str]) -> str:
    """Shell that makes the virtual environment from ``/tmp/lock.txt``, with byte code that stays valid in a layer."""
    uv = f"{TOOLS}/uv"
    return f"""set -e
{uv} venv --quiet --no-config --no-python-downloads --no-cache --allow-existing --python {PYTHON}/bin/python3 {VENV}
{uv} pip sync --quiet --python {VENV}/bin/python --require-hashes --allow-empty-requirements --link-mode copy \
    {" ".join(flags)} /tmp/lock.txt
rm -f {VENV}/.lock
find {VENV} -exec touch -h -d @{MTIME} {{}} +
{VENV}/bin/python -I -m compileall -q {VENV}/lib >/dev/null 2>&1 || true
"""


def parse_lock(text: str) -> tuple[str, ...]:
    """The lines of ``uv pip compile --generate-hashes``, one string a requirement, sorted. Raises BuildError."""
    joined = re.sub(r"\\\n\s*", "", text)
    lines = sorted(re.sub(r"\s+", " ", line).strip() for line in joined.splitlines() if line.strip())
    for line in lines:
        if not _LINE.fullmatch(line):
            raise BuildError(
                "resolve-failed", f"the resolver gave a line that is no pinned requirement: {line[:200]!r}"
            )
    return tuple(lines)


def _dates(interpreter: Interpreter, before: float) -> list[str]:
    """The resolver's own date options; the index shows nothing later either."""
    flags = ["--exclude-newer", rfc3339(before)]
    floor = tools_floor(interpreter.minor)
    if floor > before:
        for name in TIMELESS:
            flags += ["--exclude-newer-package", f"{name}={rfc3339(floor)}"]
    return flags


def _check(done: ExecResult, server: IndexServer, reason: str, message: str) -> None:
    if isinstance(server.trouble, IndexUnreachableError):
        raise BuildError("index-unreachable", str(server.trouble), done.stderr[-_LOG:])
    if done.timed_out:
        raise BuildError(reason, f"{message}: gave up after {_TIMEOUT:.0f} s", done.stderr[-_LOG:])
    if done.exit_code:
        detail = str(server.trouble) if server.trouble else last_words(done.stderr)
        raise BuildError(reason, f"{message}: {detail}", (done.stdout + done.stderr)[-_LOG:])


def last_words(text: str) -> str:
    """What a tool said went wrong, as one line."""
    lines = [line.strip(" \u00d7╰─▶├│") for line in text.splitlines() if line.strip()]
    said = [line for line in lines if line and not line.startswith(("hint:", "warning:"))]
    return " ".join(said)[:400] or "it did not say why"


def _recall(memory: Path, before: float) -> tuple[str, ...] | None:
    try:
        known = json.loads(memory.read_text())
    except (OSError, ValueError):
        return None
    return next((tuple(entry["lock"]) for entry in known if entry["after"] < before <= entry["until"]), None)


def _remember(memory: Path, interval: tuple[float, float], lock: Sequence[str]) -> None:
    try:
        known = json.loads(memory.read_text())
    except (OSError, ValueError):
        known = []
    known.append({"after": interval[0], "until": min(interval[1], 1e12), "lock": list(lock)})
    memory.parent.mkdir(parents=True, exist_ok=True)
    staged = memory.with_name(f".{memory.name}.{os.getpid()}")
    staged.write_text(json.dumps(known))
    staged.replace(memory)
