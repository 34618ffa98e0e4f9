"""Python 2.7, for which ``uv`` makes no environments: the last tools that do, and what they are told.

virtualenv 20.21 is taken from the index, by the hashes that stand here, and runs in a sandbox without network on some
Python 3 of this machine. It brings along, for Python 2.7, pip 20.3.4, setuptools 44.1.1 and wheel 0.37.1. An interpreter
gets a layer with two environments: ``pip`` has these three and does all resolving and installing; ``bare`` has nothing in
it, and is what the environment of every lock begins as.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

from r2egym.building.interpreters import PYTHON, VENV, Interpreter, interpreter_layer
from r2egym.building.layers import LayerStore
from r2egym.building.plain import MTIME
from r2egym.building.source import Source, file_digest, normalized
from r2egym.building.upstream import IndexUnreachableError
from r2egym.errors import BuildError, TaskError
from r2egym.sandboxes.base import Backend, Layer, SandboxConfig

TOOLS = "virtualenv 20.21.1, pip 20.3.4, setuptools 44.1.1, wheel 0.37.1"
"""What environments of Python 2.7 are made with."""
HOME = "/opt/r2egym/python2"
PIP = f"{HOME}/pip/bin/python {HOME}/cached.py"
"""pip in its own environment."""
_SITE = f"{HOME}/pip/lib/python2.7/site-packages"
INSTALLER = f"env PYTHONPATH={_SITE} {VENV}/bin/python -m pip"
"""pip, run by the environment that it installs into and that need not have it."""
_WHEELS = (
    ("virtualenv-20.21.1-py3-none-any.whl", "09ddbe1af0c8ed2bb4d6ed226b9e6415718ad18aef9fa0ba023d96b7a8356049"),
    ("distlib-0.3.9-py2.py3-none-any.whl", "47f8c22fd27c27e25a65601af709b38e4f0a45ea4fc2e710f65755fa8caaaf87"),
    ("filelock-3.12.2-py3-none-any.whl", "cbb791cdea2a72f23da6ac5b5269ab0a0d161e9ef0100e653b69049a7706d1ec"),
    ("platformdirs-3.11.0-py3-none-any.whl", "e9d171d00af68be50e9202731309c4e658fd8bc76f55c11c7dd760d023bda68e"),
)  # fmt: skip
_KNOWN_SINCE = 1_735_000_000.0
"""All these were on the index at that moment, in seconds since 1970."""
_OLDEST_HELPER = (3, 8)
_HELPER = "/opt/r2egym/python3"
_VIRTUALENV = "/opt/r2egym/virtualenv"
_TIMEOUT = 300.0
_TMP = "/tmp"  # noqa: S108 - the sandbox's own
_FORMAT = "2"
"""Part of every key: raise it when the script below changes."""
_CACHED = """\
import functools
import runpy

missing = object()


def lru_cache(maxsize=None):
    def decorate(function):
        known = {}

        @functools.wraps(function)
        def remember(*args, **kwargs):
            key = (args, tuple(sorted(kwargs.items())))
            found = known.get(key, missing)
            if found is missing:
                found = known[key] = function(*args, **kwargs)
            return found

        return remember

    return decorate


functools.lru_cache = lru_cache
runpy.run_module("pip", run_name="__main__")
"""
"""Without ``lru_cache``, which Python 2.7 has not, pip's resolver reads every page of the index hundreds of times."""

_MAKE = f"""set -e
make() {{
    PYTHONPATH={_VIRTUALENV} {_HELPER}/bin/python3 -s -m virtualenv --quiet --app-data {_TMP}/seeds --no-download \
        --no-periodic-update --no-vcs-ignore --activators bash --python {PYTHON}/bin/python2.7 "$@"
}}
make {HOME}/pip
make --no-pip --no-setuptools --no-wheel {VENV}
for folder in {HOME}/pip {VENV}; do
    for library in {PYTHON}/lib/libpython*.so*; do
        test ! -e $library || ln -s $library $folder/lib/
    done
done
find {HOME}/pip {VENV} -exec touch -h -d @{MTIME} {{}} +
{HOME}/pip/bin/python -E -s -m compileall -q {HOME}/pip/lib >/dev/null 2>&1 || true
{HOME}/pip/bin/python -m pip --version
{VENV}/bin/python -c 'import sys; sys.exit(sys.prefix != "{VENV}")'
"""
"""virtualenv copies the executable, which looks for its shared library beside itself."""


class Python2Tools:
    """Makes the tools of an interpreter. Safe for threads and processes."""

    def __init__(
        self,
        store: LayerStore,
        backend: Backend,
        sources: Callable[[], Sequence[Source]],
        interpreters: Callable[[], Sequence[Interpreter]],
    ) -> None:
        """Nothing is made yet.

        Args:
            store: where layers are kept.
            backend: where virtualenv runs.
            sources: indexes that may have virtualenv, asked in turn.
            interpreters: all of this machine; one of them runs virtualenv.
        """
        self._store = store
        self._backend = backend
        self._sources = sources
        self._interpreters = interpreters

    def layer(self, interpreter: Interpreter) -> Layer:
        """The layer at :data:`HOME`. Raises BuildError (``no-python`` or ``index-unreachable``)."""
        said = f"{_FORMAT} {interpreter.key} {_WHEELS}"
        key = hashlib.sha256(said.encode()).hexdigest()

        def build(folder: Path) -> None:
            with self._store.scratch() as scratch:
                (scratch / "empty").mkdir()
                empty = (scratch / "empty",)
                config = SandboxConfig(
                    layers=(
                        interpreter_layer(self._store, interpreter),
                        Layer(target=_HELPER, sources=interpreter_layer(self._store, self._helper()).sources),
                        Layer(target=_VIRTUALENV, sources=(self._virtualenv(),)),
                        Layer(target=HOME, sources=empty, writable=True),
                        Layer(target=VENV, sources=empty, writable=True),
                    ),
                    cwd=_TMP,
                )
                with self._backend.open(config) as sandbox:
                    done = sandbox.exec(_MAKE, timeout=_TIMEOUT)
                    if done.exit_code or done.timed_out:
                        words = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["no word"]
                        message = (
                            f"virtualenv makes no environment of Python {interpreter.version}: {words[0]}"
                        )
                        raise BuildError("no-python", message, done.stdout + done.stderr)
                    sandbox.export(HOME, scratch / "home")
                    sandbox.export(VENV, scratch / "bare")
                self._store.import_tree(scratch / "home", folder)
                self._store.import_tree(scratch / "bare", folder / "bare")
                (folder / "cached.py").write_text(_CACHED)

        return Layer(target=HOME, sources=(self._store.layer("python2", key, build),))

    def _helper(self) -> Interpreter:
        """The oldest Python 3 that virtualenv runs on: the nearest to its time."""
        able = [one for one in self._interpreters() if _numbers(one.minor) >= _OLDEST_HELPER]
        if not able:
            raise BuildError(
                "no-python", "environments of Python 2.7 need a Python 3.8 or later to make them"
            )
        return min(able, key=lambda one: _numbers(one.minor))

    def _virtualenv(self) -> Path:
        """A layer with virtualenv and what it needs, importable."""

        def build(folder: Path) -> None:
            for filename, digest in _WHEELS:
                with zipfile.ZipFile(self._wheel(filename, digest)) as archive:
                    archive.extractall(folder)

        key = hashlib.sha256(repr(_WHEELS).encode()).hexdigest()
        return self._store.layer("virtualenv", key, build)

    def _wheel(self, filename: str, digest: str) -> Path:
        trouble: TaskError | None = None
        for source in self._sources():
            try:
                page = source.page(normalized(filename.split("-", 1)[0]), _KNOWN_SINCE)
                for file in page.files if page else ():
                    if file.filename == filename and file_digest(path := source.file(file)) == digest:
                        return path
            except TaskError as error:
                trouble = error
        if isinstance(trouble, IndexUnreachableError):
            raise BuildError("index-unreachable", str(trouble))
        raise BuildError(
            "no-python", f"for Python 2.7 the package index must have {filename}: {trouble or 'it has not'}"
        )


def _numbers(minor: str) -> tuple[int, ...]:
    return tuple(int(part) for part in minor.split("."))
