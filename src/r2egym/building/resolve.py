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
from collections.abc import Sequence
from pathlib import Path

from r2egym.building.interpreters import PYTHON, VENV, Interpreter
from r2egym.building.plain import MTIME
from r2egym.building.python2 import HOME, INSTALLER, PIP
from r2egym.building.workshop import TMP, UV, Bench, Failing, Workshop
from r2egym.errors import BuildError
from r2egym.sandboxes.base import Layer

_LINE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9.!+_-]+( --hash=sha256:[0-9a-f]{64})+")
_INSTALL = """set -e
{uv} venv --quiet --no-config --no-python-downloads --no-cache --allow-existing --python {python}/bin/python3 {venv}
{uv} pip sync --quiet --python {venv}/bin/python --require-hashes --allow-empty-requirements --link-mode copy \
    {flags} {tmp}/lock.txt
rm -f {venv}/.lock
find {venv} -exec touch -h -d @{mtime} {{}} +
modern=$({venv}/bin/python -c 'import sys; print("-j 0 --invalidation-mode unchecked-hash" * (sys.version_info > (3, 7)))')
{venv}/bin/python -I -m compileall -q -x '/(tests|lexers)/' $modern {venv}/lib >/dev/null 2>&1 || true
"""
"""Byte code is written for the times that files have in a layer, so that it stays valid there; later Pythons need not look,
for a layer never changes. What hardly anyone imports, and is most of some packages, goes without."""
_INSTALL_2 = f"""set -e
cp -a {HOME}/bare/. {VENV}/
if grep -q == {TMP}/lock.txt; then
    {PIP} wheel --quiet --no-deps --require-hashes --wheel-dir {TMP}/wheels -r {TMP}/lock.txt
    sed 's/ .*//' {TMP}/lock.txt >{TMP}/names.txt
    {INSTALLER} install --quiet --no-deps --no-index --find-links {TMP}/wheels --no-compile --ignore-installed \
        --no-warn-script-location -r {TMP}/names.txt
fi
find {VENV} -exec touch -h -d @{MTIME} {{}} +
{VENV}/bin/python -E -s -m compileall -q -x '/(tests|lexers)/' {VENV}/lib >/dev/null 2>&1 || true
"""
"""The same for Python 2.7; what comes as source is built aside, where setuptools is, before anything is installed."""


def resolve(
    workshop: Workshop,
    interpreter: Interpreter,
    requirements: Sequence[str],
    constraints: Sequence[str],
    before: float,
) -> tuple[str, ...]:
    """The lock for ``requirements``, from what was uploaded before that moment (seconds since 1970).

    Raises:
        BuildError: reason ``resolve-failed`` or ``index-unreachable``.
    """
    if not requirements:
        return ()
    said = [sorted(requirements), sorted(constraints), interpreter.key, workshop.source.identity]
    key = hashlib.sha256(json.dumps(said).encode()).hexdigest()
    memory = workshop.store.home / "index/locks" / f"{key}.json"
    known = _recall(memory, before)
    if known is not None:
        return known
    with workshop.store.locked(f"lock-{key[:16]}"):
        known = _recall(memory, before)
        if known is None:
            known, interval = _compile(workshop, interpreter, requirements, constraints, before)
            _remember(memory, interval, known)
    return known


def _compile(
    workshop: Workshop,
    interpreter: Interpreter,
    requirements: Sequence[str],
    constraints: Sequence[str],
    before: float,
) -> tuple[tuple[str, ...], tuple[float, float]]:
    failing = Failing("resolve-failed", "its dependencies cannot be resolved")
    with workshop.bench(interpreter, before, failing) as bench:
        bench.sandbox.write_file(f"{TMP}/requirements.in", "\n".join(requirements) + "\n")
        bench.sandbox.write_file(f"{TMP}/constraints.txt", "\n".join(constraints) + "\n")
        if interpreter.is_python2:
            return _download(bench), bench.server.interval()
        done = bench.run([
            UV, "pip", "compile", f"{TMP}/requirements.in", "--constraints", f"{TMP}/constraints.txt",
            "--python", f"{PYTHON}/bin/python3", "--generate-hashes", "--no-header", "--no-annotate", "--no-sources",
            *bench.flags,
        ])  # fmt: skip
        return parse_lock(done.stdout), bench.server.interval()


def _download(bench: Bench) -> tuple[str, ...]:
    """The lock by pip for Python 2.7, which can only resolve by downloading; what it leaves counts by its file names."""
    options = f"--use-feature=2020-resolver -r {TMP}/requirements.in -c {TMP}/constraints.txt"
    bench.run(f"{PIP} download --quiet --dest {TMP}/files {options}")
    lines: list[str] = []
    for filename in bench.run(["ls", f"{TMP}/files"]).stdout.splitlines():
        if release := bench.server.release(filename):
            hashes = (f"--hash=sha256:{digest}" for digest in release[2])
            lines.append(" ".join([f"{release[0]}=={release[1]}", *hashes]))
        else:
            lines.append(filename)  # which is none of the index's
    return parse_lock("\n".join(lines))


def environment_layer(
    workshop: Workshop, interpreter: Interpreter, lock: Sequence[str], before: float
) -> Path:
    """The layer of :data:`VENV` for a lock; every file that is installed has a hash of the lock's.

    Raises:
        BuildError: reason ``bad-lock``, ``install-failed`` or ``index-unreachable``.
    """
    for line in lock:
        if not _LINE.fullmatch(line):
            raise BuildError("bad-lock", f"not a pinned requirement with hashes: {line[:200]!r}")
    key = hashlib.sha256(json.dumps([list(lock), interpreter.key]).encode()).hexdigest()
    failing = Failing("install-failed", "its dependencies cannot be installed")

    def build(folder: Path) -> None:
        with workshop.store.scratch() as scratch:
            (scratch / "empty").mkdir()
            mount = Layer(target=VENV, sources=(scratch / "empty",), writable=True)
            with workshop.bench(interpreter, before, failing, [mount]) as bench:
                bench.sandbox.write_file(f"{TMP}/lock.txt", "\n".join(lock) + "\n")
                flags = " ".join(bench.flags)
                said = {"uv": UV, "python": PYTHON, "venv": VENV, "flags": flags, "tmp": TMP, "mtime": MTIME}
                bench.run(_INSTALL_2 if interpreter.is_python2 else _INSTALL.format(**said))
                bench.sandbox.export(VENV, scratch / "venv")
            workshop.store.import_tree(scratch / "venv", folder)

    return workshop.store.layer("venvs", key, build)


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
