"""Sandboxes beside what one would write by hand: ``bwrap`` with an overlay, ``bash`` in it through a pipe, ``docker``, ``cp -a``.

Peers give none of the guarantees (time limits that end everything, separate streams, bounds, clean-up): what those cost is
the ratio.
"""

from __future__ import annotations

import functools
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Self, TypeVar

from r2egym.bench import BenchLine
from r2egym.bench._memory import family, pss
from r2egym.sandboxes import open_backend
from r2egym.sandboxes.base import Backend, Layer, Limits, Sandbox, SandboxConfig
from r2egym.sandboxes.bubblewrap import bwrap
from r2egym.settings import Settings

_T = TypeVar("_T")
_BY_HAND = "bwrap and overlay by hand"
_DOCKER_IMAGE = "debian:12-slim"


def run(
    settings: Settings, *, rounds: int = 40, idle: int = 500, files: int = 100_000
) -> Iterator[BenchLine]:
    """Measure; every line comes as soon as it is known. Takes about a minute with the defaults.

    Args:
        settings: where ``$R2EGYM_HOME`` is; a folder in it is used and removed.
        rounds: sandboxes started, for each number that is a median.
        idle: sandboxes that are there at once.
        files: size of the environment that is forked and reset.
    """
    settings.home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=settings.home) as name:
        bench = _Bench(Path(name))
        yield from bench.lives(rounds)
        yield from bench.commands(rounds * 10)
        yield from bench.idle(idle)
        yield from bench.forks(files, rounds)
        yield from bench.docker()


def _timed(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return (time.perf_counter() - started) * 1000


def _timed_result(action: Callable[[], _T]) -> tuple[_T, float]:
    started = time.perf_counter()
    result = action()
    return result, (time.perf_counter() - started) * 1000


def _p99(times: Sequence[float]) -> float:
    return sorted(times)[min(len(times) - 1, int(len(times) * 0.99))]


class _Bench:
    """The measurements, in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._backend: Backend = open_backend("bubblewrap", folder / "home")
        self._tree = folder / "tree"
        self._tree.mkdir()
        (self._tree / "file").write_text("x")

    def _config(self, tree: Path, **more: object) -> SandboxConfig:
        layers = (Layer(target="/testbed", sources=(tree,), writable=True),)
        return SandboxConfig.model_validate({"layers": layers, "cwd": "/testbed"} | more)

    def _open(self) -> Sandbox:
        return self._backend.open(self._config(self._tree))

    def lives(self, rounds: int) -> Iterator[BenchLine]:
        """From nothing to a first answer, and back."""
        self._open().close()
        starts, ends, peer_starts, peer_ends = [], [], [], []
        for number in range(rounds):
            sandbox, took = _timed_result(self._ready)
            starts.append(took)
            ends.append(_timed(sandbox.close))
            peer, took = _timed_result(functools.partial(self._peer, f"hand{number}"))
            peer_starts.append(took)
            peer_ends.append(_timed(peer.close))
        median = statistics.median
        yield BenchLine.of("start and first answer, p50", median(starts), median(peer_starts), note=_BY_HAND)
        yield BenchLine.of("start and first answer, p99", _p99(starts), _p99(peer_starts), note=_BY_HAND)
        yield BenchLine.of("close, p50", median(ends), median(peer_ends), note=_BY_HAND)

    def _peer(self, name: str) -> _ByHand:
        return _ByHand(self._folder / name, self._tree).ready()

    def _ready(self) -> Sandbox:
        sandbox = self._open()
        sandbox.exec(["true"])
        return sandbox

    def commands(self, rounds: int) -> Iterator[BenchLine]:
        """A round trip: a built-in, a program, a file."""
        peer = _ByHand(self._folder / "hand", self._tree).ready()
        with self._open() as sandbox:
            for name, command, line in (
                ("command, built-in", ":", "(:)"),
                ("command, program", ["/bin/true"], "/bin/true"),
                ("command, script with a program", "/bin/true", "(/bin/true; :)"),
            ):
                ours, theirs = [], []
                for _ in range(rounds):
                    ours.append(_timed(functools.partial(sandbox.exec, command)))
                    theirs.append(_timed(functools.partial(peer.ask, line)))
                note = "bash in bwrap through a pipe, in a subshell"
                yield BenchLine.of(
                    f"{name}, p50", statistics.median(ours), statistics.median(theirs), note=note
                )
                yield BenchLine.of(f"{name}, p99", _p99(ours), _p99(theirs), note=note)
            writes = [_timed(lambda: sandbox.write_file("/testbed/w", "x" * 1000)) for _ in range(rounds)]
            reads = [_timed(lambda: sandbox.read_file("/testbed/w")) for _ in range(rounds)]
            theirs = [_timed(lambda: peer.ask("cat /testbed/file >/dev/null")) for _ in range(rounds)]
            yield BenchLine.of(
                "write a file, p50", statistics.median(writes), statistics.median(theirs), note="cat"
            )
            yield BenchLine.of(
                "read a file, p50", statistics.median(reads), statistics.median(theirs), note="cat"
            )
        peer.close()

    def idle(self, count: int) -> Iterator[BenchLine]:
        """Many at once: time, and memory that each costs."""
        before = time.perf_counter()
        peers = [_ByHand(self._folder / f"idle{number}", self._tree) for number in range(count)]
        for peer in peers:
            peer.ready()
        theirs = time.perf_counter() - before
        their_size = pss([pid for peer in peers for pid in family(peer.process.pid)]) / count
        for peer in peers:
            peer.close()
        before = time.perf_counter()
        opened = [self._open() for _ in range(count)]
        ours = time.perf_counter() - before
        size = pss(family(os.getpid())[1:]) / count
        before = time.perf_counter()
        for sandbox in opened:
            sandbox.close()
        closing = time.perf_counter() - before
        yield BenchLine.of(f"{count} idle sandboxes", ours, theirs, unit="s", note=_BY_HAND)
        yield BenchLine.of("memory of an idle one (PSS)", size, their_size, unit="MiB", note=_BY_HAND)
        yield BenchLine.of(f"closing {count}", closing, None, unit="s", note="in turn")

    def forks(self, files: int, rounds: int) -> Iterator[BenchLine]:
        """Fork and reset of a large environment with a small change, and what grows with the change."""
        tree = self._folder / "large"
        for number in range(files):
            if number % 500 == 0:
                (tree / f"d{number // 500}").mkdir(parents=True)
            (tree / f"d{number // 500}/f{number}").write_text("x")
        copies = _timed(
            lambda: subprocess.run(["cp", "-a", str(tree), str(self._folder / "copy")], check=True)
        )
        note = "cp -a of the environment"
        config = self._config(tree, limits=Limits(disk_bytes=None))
        for changed in (1, 1000):
            with self._backend.open(config) as sandbox:
                sandbox.exec(f"for i in $(seq {changed}); do echo y >d0/n$i; done")
                forks, resets = [], []
                snapshot = sandbox.snapshot()
                for _ in range(max(3, rounds // 4)):
                    fork, took = _timed_result(sandbox.fork)
                    forks.append(took)
                    fork.close()
                    resets.append(_timed(functools.partial(sandbox.reset, snapshot)))
                snapshot.discard()
            what = f"of {files} files, {changed} changed"
            yield BenchLine.of(f"fork {what}", statistics.median(forks), copies, note=note)
            yield BenchLine.of(f"reset {what}", statistics.median(resets), copies, note=note)

    def docker(self) -> Iterator[BenchLine]:
        """The same under docker, where an engine answers."""
        started = [_timed(lambda: self._ready().close()) for _ in range(5)]
        command = ["docker", "run", "--rm", "--network=none", _DOCKER_IMAGE, "true"]
        program = shutil.which("docker")
        if program is None or subprocess.run(command, capture_output=True, check=False).returncode:
            note = f"skipped: no docker engine with the image {_DOCKER_IMAGE} answers"
            yield BenchLine.of("start, answer and close", statistics.median(started), None, note=note)
            return
        theirs = [_timed(lambda: subprocess.run(command, capture_output=True, check=True)) for _ in range(3)]
        yield BenchLine.of(
            "start, answer and close",
            statistics.median(started),
            statistics.median(theirs),
            note="docker run",
        )


class _ByHand:
    """What one would write by hand: ``bwrap``, an overlay, ``bash`` on pipes."""

    def __init__(self, folder: Path, tree: Path) -> None:
        self._folder = folder
        for name in ("upper", "work"):
            (folder / name).mkdir(parents=True)
        options = [
            "--unshare-all",
            "--die-with-parent",
            "--uid",
            "1000",
            "--gid",
            "1000",
            "--clearenv",
            "--ro-bind",
            "/usr",
            "/usr",
        ]
        links = [
            part for name in ("bin", "lib", "lib64") for part in ("--symlink", f"usr/{name}", f"/{name}")
        ]
        overlay = [
            "--overlay-src",
            str(tree),
            "--overlay",
            str(folder / "upper"),
            str(folder / "work"),
            "/testbed",
        ]
        system = ["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"]  # noqa: S108 - a path inside
        self.process = subprocess.Popen(
            [bwrap(), *options, *links, *system, *overlay, "/bin/bash", "--norc"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={},
        )

    def ask(self, line: str) -> None:
        """Run a line and wait for its end."""
        if self.process.stdin is None or self.process.stdout is None:
            return
        self.process.stdin.write(f"{line}; echo done\n".encode())
        self.process.stdin.flush()
        self.process.stdout.readline()

    def ready(self) -> Self:
        """Wait for the first answer."""
        self.ask("/bin/true")
        return self

    def close(self) -> None:
        """End it and remove its folder."""
        self.process.kill()
        self.process.communicate()
        shutil.rmtree(self._folder, ignore_errors=True)
