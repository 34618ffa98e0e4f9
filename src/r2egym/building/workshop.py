"""The build sandbox: where foreign code runs while an environment is made.

It has the interpreter, ``uv`` (for Python 2.7, pip), what it is told to mount, and as its whole network the package index as of a date. What it
writes stays in it until we take it out, file by file; no cache is shared with it.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from r2egym.building.dates import floors, rfc3339
from r2egym.building.diagnosis import diagnosed
from r2egym.building.index import SIMPLE, IndexServer
from r2egym.building.interpreters import Interpreter, interpreter_layer
from r2egym.building.layers import LayerStore
from r2egym.building.plain import MTIME
from r2egym.building.python2 import Python2Tools
from r2egym.building.source import Source
from r2egym.building.upstream import IndexUnreachableError
from r2egym.errors import BuildError, SandboxError
from r2egym.records import ExecResult
from r2egym.sandboxes.base import Backend, Layer, Limits, Sandbox, SandboxConfig

TOOLS = "/opt/r2egym/tools"
UV = f"{TOOLS}/uv"
TMP = "/tmp"  # noqa: S108 - the sandbox's own
_TIMEOUT = 900.0
_LOG = 20_000
_FLAGS = (
    "--no-config", "--no-python-downloads", "--no-cache", "--no-progress", "--color", "never",
    "--index-url", SIMPLE, "--index-strategy", "first-index", "--keyring-provider", "disabled",
)  # fmt: skip
_PIP = {
    "PIP_CONFIG_FILE": "/dev/null", "PIP_INDEX_URL": SIMPLE, "PIP_NO_CACHE_DIR": "1", "PIP_NO_INPUT": "1", "PIP_RETRIES": "0",
    "PIP_DEFAULT_TIMEOUT": "120", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_PYTHON_VERSION_WARNING": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
}  # fmt: skip
"""What pip for Python 2.7 is told; the processes it starts need to know it, too."""


@dataclass(frozen=True)
class Failing:
    """What a failure in the build sandbox is called."""

    reason: str
    message: str


class Bench:
    """A build sandbox that is open."""

    def __init__(self, sandbox: Sandbox, server: IndexServer, flags: Sequence[str], failing: Failing) -> None:
        self.sandbox = sandbox
        self.server = server
        self.flags = tuple(flags)
        """Options that every call of uv's resolver and installer takes."""
        self._failing = failing

    def run(self, command: str | Sequence[str]) -> ExecResult:
        """Run a command that must succeed.

        Raises:
            BuildError: it failed, or the index cannot be reached (reason ``index-unreachable``).
            SandboxError: the sandbox has no way to our index server.
        """
        done = self.sandbox.exec(command, timeout=_TIMEOUT, output_limit=1 << 26)
        if not (done.exit_code or done.timed_out):
            return done
        trouble = self.server.trouble
        if not self.server.requests and "onnection refused" in done.stderr:
            raise SandboxError("the sandbox has no way to the package index: its loopback relay is not there")
        log = (done.stdout + done.stderr)[-_LOG:]
        if isinstance(trouble, IndexUnreachableError):
            raise BuildError("index-unreachable", str(trouble), log)
        detail = (
            f"gave up after {_TIMEOUT:.0f} s" if done.timed_out else str(trouble or last_words(done.stderr))
        )
        raise diagnosed(BuildError(self._failing.reason, f"{self._failing.message}: {detail}", log))


class Workshop:
    """Opens build sandboxes. Safe for threads and processes."""

    def __init__(
        self, store: LayerStore, backend: Backend, source: Source, uv: Path, python2: Python2Tools
    ) -> None:
        self.store = store
        self.source = source
        self._backend = backend
        self._uv = uv
        self._python2 = python2

    @contextmanager
    def bench(
        self,
        interpreter: Interpreter,
        before: float,
        failing: Failing,
        mounts: Sequence[Layer] = (),
        env: Mapping[str, str] | None = None,
    ) -> Iterator[Bench]:
        """A build sandbox that sees the package index as it was before a moment (seconds since 1970)."""
        tools = self._python2.layer(interpreter) if interpreter.is_python2 else self._tools()
        limits = floors(interpreter.minor)
        flags = [*_FLAGS, "--exclude-newer", rfc3339(before)]
        for name, floor in limits.items():
            if floor > before:
                flags += ["--exclude-newer-package", f"{name}={rfc3339(floor)}"]
        with IndexServer(self.source, before, limits) as server:
            # uv need not try again: the server behind it has
            config = SandboxConfig(
                layers=(interpreter_layer(self.store, interpreter), tools, *mounts),
                env={
                    "UV_HTTP_TIMEOUT": "120",
                    "UV_NO_PROGRESS": "1",
                    "UV_HTTP_RETRIES": "0",
                    "SOURCE_DATE_EPOCH": str(MTIME),
                    **(_PIP if interpreter.is_python2 else {}),
                    **(env or {}),
                },
                cwd=TMP,
                network="index",
                index=server.socket,
                limits=Limits(pids=1024),
            )
            with self._backend.open(config) as sandbox:
                yield Bench(sandbox, server, flags, failing)

    def _tools(self) -> Layer:
        """A layer with ``uv`` in it."""
        status = self._uv.stat()
        said = f"{self._uv.resolve()} {status.st_size} {status.st_mtime_ns}"

        def build(folder: Path) -> None:
            shutil.copyfile(self._uv, folder / "uv")
            (folder / "uv").chmod(0o755)

        key = hashlib.sha256(said.encode()).hexdigest()[:32]
        return Layer(target=TOOLS, sources=(self.store.layer("tools", key, build),))


def last_words(text: str) -> str:
    """What a tool said went wrong, as one line."""
    lines = [line.strip(" \u00d7╰─▶├│") for line in text.splitlines() if line.strip()]
    said = [
        line
        for line in lines
        if line and not line.startswith(("hint:", "warning:", "DEPRECATION:", "WARNING:"))
    ]
    return " ".join(said)[:400] or "it did not say why"
