"""What every sandbox is: the contract that all backends keep and that ``conformance`` checks.

A *sandbox* is an isolated machine state; a *session* is a shell that lives in it. Everything here is synchronous: a
thread that waits for a command waits in one system call.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Literal, Protocol, Self, runtime_checkable

from r2egym.records import ExecResult, Record

TIMEOUT_EXIT_CODE = 124
"""Exit code of a command that its time limit ended, as ``timeout(1)`` has it."""


class Capability(StrEnum):
    """What a backend can do beyond running commands."""

    SNAPSHOT = "snapshot"
    EXPORT = "export"
    SESSION = "session"
    NETWORK_INDEX = "network-index"
    LIMIT_MEMORY = "limit-memory"
    LIMIT_PIDS = "limit-pids"
    LIMIT_CPU = "limit-cpu"
    LIMIT_DISK = "limit-disk"


class Layer(Record):
    """One mount of a sandbox."""

    target: str
    """Absolute path inside."""
    sources: tuple[Path, ...]
    """Folders of this machine, topmost first; they are never written to."""
    writable: bool = False
    """Whether an overlay takes writes (they live in the sandbox and die with it)."""


class Limits(Record):
    """Bounds on a sandbox as a whole; None is no bound."""

    memory_bytes: int | None = 4 << 30
    pids: int | None = 512
    cpus: float | None = None
    disk_bytes: int | None = 4 << 30
    """What may be written, all writable places together."""
    wall_seconds: float | None = None
    """Life time, after which it is closed."""


class SandboxConfig(Record):
    """All that a sandbox is made from."""

    layers: tuple[Layer, ...] = ()
    """Mounted in this order on top of the system."""
    env: dict[str, str] = {}
    """The whole environment of its commands, but for ``PATH``, ``HOME``, ``LANG`` and ``TERM``, which have defaults."""
    cwd: str = "/"
    network: Literal["none", "index", "host"] = "none"
    index: str = ""
    """With network ``index``: a host-side Unix socket that speaks HTTP; inside it is ``http://127.0.0.1:8765``."""
    limits: Limits = Limits()
    rootfs: Path | None = None
    """An unpacked OCI root to stand in for the host's ``/usr``; None: the host's, its Python packages hidden."""
    image: str = ""
    """An image of the engine's to stand in for the system (Docker only); its own ``/testbed`` and all else are there."""
    uid: int = 1000
    """User id inside; never the owner of anything outside that is not the caller's own."""


@runtime_checkable
class Session(Protocol):
    """A persistent shell: working directory, variables and functions live on between commands."""

    def run(
        self, script: str, *, timeout: float | None = None, stdin: str | bytes | None = None
    ) -> ExecResult:
        """Run ``script`` in the shell. On a timeout what it started dies, and the shell's state is kept."""
        ...

    def close(self) -> None:
        """End the shell; twice is safe."""
        ...

    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


@runtime_checkable
class Snapshot(Protocol):
    """A saved state: files, and each session's working directory, variables and functions; not running processes."""

    id: str

    def discard(self) -> None:
        """Free what it holds; twice is safe."""
        ...


@runtime_checkable
class Sandbox(Protocol):
    """An isolated machine state. Use it in a ``with`` block."""

    id: str
    capabilities: frozenset[Capability]
    limits_in_force: Mapping[str, str]
    """By limit asked for (``memory``, ``pids``, ``cpu``, ``disk``, ``wall``), what holds it."""

    def exec(
        self,
        command: str | Sequence[str],
        *,
        timeout: float | None = None,
        stdin: str | bytes | None = None,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
        output_limit: int = 1 << 20,
    ) -> ExecResult:
        """Run an argument vector, or a shell script, to its end.

        Args:
            command: a list is run as it is; a string is given to ``bash``.
            timeout: wall seconds; on expiry everything the command started dies and ``timed_out`` is set.
            stdin: what it reads; default is nothing.
            env: variables added for this command.
            cwd: working directory; default is the configuration's.
            output_limit: bytes of each stream kept in memory (first half and last half when there is more).

        Raises:
            SandboxError: the sandbox broke, was closed, or the command could not be handed to it.
        """
        ...

    def read_file(self, path: str, *, limit: int = 1 << 26) -> bytes:
        """Contents of a file, as a process inside would read it. Raises SandboxFileError."""
        ...

    def write_file(self, path: str, data: bytes | str, *, mode: int = 0o644) -> None:
        """Write a file, making its folders. Raises SandboxFileError."""
        ...

    def upload(self, source: Path, target: str) -> None:
        """Copy a file or a folder of this machine to ``target`` inside."""
        ...

    def export(self, target: str, destination: Path) -> None:
        """Copy what was written under the writable layer at ``target`` to ``destination`` (Capability.EXPORT).

        Whiteouts of deleted files are dropped; links are copied as links; nothing outside the layer is followed.
        """
        ...

    def snapshot(self) -> Snapshot:
        """Save the state; costs what changed, not what is there."""
        ...

    def fork(self, snapshot: Snapshot | None = None) -> Sandbox:
        """A new sandbox from a snapshot, default: from the state as it is now."""
        ...

    def reset(self, snapshot: Snapshot | None = None) -> None:
        """Back to a snapshot, default: to the state after opening."""
        ...

    def session(self) -> Session:
        """A new persistent shell."""
        ...

    @property
    def sessions(self) -> Sequence[Session]:
        """The open sessions, oldest first; in a fork, those of its origin, restored."""
        ...

    def is_alive(self) -> bool:
        """Whether commands can run in it."""
        ...

    def close(self) -> None:
        """End every process in it and free what it holds; twice is safe."""
        ...

    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


@runtime_checkable
class Backend(Protocol):
    """A way of making sandboxes."""

    name: str

    def open(self, config: SandboxConfig) -> Sandbox:
        """Start a sandbox. Raises SandboxUnavailableError or SandboxStartError."""
        ...

    def run(
        self,
        config: SandboxConfig,
        command: Sequence[str],
        *,
        timeout: float | None = None,
        stdin: bytes | None = None,
        output_limit: int = 1 << 26,
    ) -> ExecResult:
        """Start a sandbox for one command, run it, and end it.

        The command is the sandbox's only process tree; its exit code comes from outside the sandbox's own PID
        namespace, so nothing inside can forge it.
        """
        ...
