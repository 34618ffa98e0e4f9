"""Both backends beside the way published runtimes use Docker, in one run: start, commands, reset, close, and disk.

The published way: a container with a terminal, a dozen ``docker exec`` of set-up, one more for each command, ``docker stop`` with its ten
seconds of grace, a new container for a reset, one image a task that shares its base alone. It is measured on the same engine, the
same image and the same machine; its set-up commands here do nothing, so what they do in earnest comes on top.
"""

from __future__ import annotations

import functools
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from r2egym.bench import BenchLine
from r2egym.errors import SandboxError
from r2egym.sandboxes.base import Backend, Layer, Sandbox, SandboxConfig
from r2egym.sandboxes.bubblewrap import BubblewrapBackend
from r2egym.sandboxes.docker import DockerBackend
from r2egym.settings import Settings

_T = TypeVar("_T")
_PUBLISHED = "the published way on the same engine"
_SETUP_COMMANDS = 12
"""``docker exec`` that the published set-up takes before an agent begins."""
_SETTLE_SECONDS = 2.0


def run(settings: Settings, dataset: str = "", *, rounds: int = 5, commands: int = 50) -> Iterator[BenchLine]:
    """Measure; every line comes as soon as it is known.

    Args:
        settings: where ``$R2EGYM_HOME`` is; a folder in it is used and removed.
        dataset: whose images are weighed, too; they are built when the engine has them not.
        rounds: sandboxes started, for each median.
        commands: commands run, for each median.
    """
    settings.home.mkdir(parents=True, exist_ok=True)
    try:
        backend = DockerBackend(settings.home, base=settings.docker_base)
    except SandboxError as error:
        yield BenchLine.of("docker", 0.0, None, note=f"skipped: {error}")
        return
    with tempfile.TemporaryDirectory(prefix="bench-", dir=settings.home) as name:
        bench = _Bench(Path(name), settings.home, backend)
        yield from bench.measure(rounds, commands)
    if dataset:
        yield from _disk(settings, backend, dataset)


def _timed(action: Callable[[], _T]) -> tuple[_T, float]:
    started = time.perf_counter()
    result = action()
    return result, (time.perf_counter() - started) * 1000


class _Bench:
    def __init__(self, folder: Path, home: Path, docker: DockerBackend) -> None:
        tree = folder / "tree"
        tree.mkdir()
        (tree / "file").write_text("x")
        self._layers = (Layer(target="/testbed", sources=(tree,), writable=True),)
        self._config = SandboxConfig(layers=self._layers, cwd="/testbed")
        self._docker = docker
        self._backends: dict[str, Backend] = {"bubblewrap": BubblewrapBackend(home), "docker": docker}

    def measure(self, rounds: int, commands: int) -> Iterator[BenchLine]:
        """Lines of both backends, each beside the published way."""
        ours = {name: self._ours(backend, rounds, commands) for name, backend in self._backends.items()}
        theirs = self._theirs(rounds, commands)
        for what, reference in theirs.items():
            for name, times in ours.items():
                yield BenchLine.of(f"{what}, {name}, p50", times[what], reference, note=_PUBLISHED)

    def _ours(self, backend: Backend, rounds: int, commands: int) -> dict[str, float]:
        with backend.open(self._config):  # the first one makes the image, and keeps it
            return self._repeated(backend, rounds, commands)

    def _repeated(self, backend: Backend, rounds: int, commands: int) -> dict[str, float]:
        times: dict[str, list[float]] = {"start": [], "command": [], "reset": [], "close": []}
        for _ in range(rounds):
            box, took = _timed(functools.partial(_ready, backend, self._config))
            times["start"].append(took)
            times["command"] += [_timed(lambda box=box: box.exec(["/bin/true"]))[1] for _ in range(commands)]  # type: ignore[misc]
            times["reset"].append(_timed(functools.partial(_reset, box))[1])
            times["close"].append(_timed(box.close)[1])
            time.sleep(_SETTLE_SECONDS)  # what is left to the background is not the next round's
        return {what: statistics.median(took) for what, took in times.items()}

    def _theirs(self, rounds: int, commands: int) -> dict[str, float]:
        times: dict[str, list[float]] = {"start": [], "command": [], "reset": [], "close": []}
        with self._docker.open(self._config) as box:  # so that its image stays meanwhile
            api = self._docker.engine.api
            image = api.inspect_container(box._ground._first.id)["Config"]["Image"]  # type: ignore[attr-defined]  # noqa: SLF001
            for _ in range(rounds):
                peer, took = _timed(functools.partial(_Published, api, image))
                times["start"].append(took)
                times["command"] += [
                    _timed(functools.partial(peer.run, "/bin/true"))[1] for _ in range(commands)
                ]
                ended = _timed(peer.close)[1]
                times["close"].append(ended)
                again, took = _timed(functools.partial(_Published, api, image))
                times["reset"].append(ended + took)
                again.end()
        return {what: statistics.median(took) for what, took in times.items()}


def _ready(backend: Backend, config: SandboxConfig) -> Sandbox:
    box = backend.open(config)
    box.exec(["/bin/true"])
    return box


def _reset(box: Sandbox) -> None:
    box.reset()
    box.exec(["/bin/true"])


class _Published:
    """A container as published runtimes have one."""

    def __init__(self, api: Any, image: str) -> None:
        self._api = api
        usr = {"/usr": {"bind": "/usr", "mode": "ro"}}
        self._id = api.create_container(
            image,
            ["/bin/bash", "-l"],
            tty=True,
            stdin_open=True,
            host_config=api.create_host_config(network_mode="none", binds=usr),
            labels={"r2egym": "container"},
        )["Id"]
        api.start(self._id)
        for _ in range(_SETUP_COMMANDS):
            self.run("/bin/true")

    def run(self, command: str) -> int:
        """A command, with a time limit as they have it."""
        words = ["/bin/sh", "-c", f"timeout 90 {command}"]
        made = self._api.exec_create(self._id, words, workdir="/")["Id"]
        self._api.exec_start(made)
        return int(self._api.exec_inspect(made)["ExitCode"])

    def close(self) -> None:
        """Stop and remove it."""
        self._api.stop(self._id)
        self._api.remove_container(self._id)

    def end(self) -> None:
        """Remove it at once."""
        self._api.remove_container(self._id, force=True)


def _disk(settings: Settings, backend: DockerBackend, name: str) -> Iterator[BenchLine]:
    """What the images of a dataset take: every layer once, and as if each task had its own but for the base."""
    from r2egym.environment import Facilities
    from r2egym.environment.images import TaskImages
    from r2egym.tasks import load_dataset

    dataset = load_dataset(name)
    with Facilities(settings.home, backend) as facilities:
        made = list(TaskImages(facilities, dataset.root).build(dataset.tasks))
    shared: dict[tuple[str, ...], int] = {}
    apart = 0
    for one in made:
        sizes = _layer_sizes(backend.engine.api, one.image)
        for depth, (_, size) in enumerate(sizes, 1):
            shared[tuple(digest for digest, _ in sizes[:depth])] = size
        apart += sum(size for _, size in sizes)
    note = f"{len(made)} tasks; reference: one image each, nothing shared"
    yield BenchLine.of("disk of all images", sum(shared.values()) / 1e6, apart / 1e6, unit="MB", note=note)
    each = sum(shared.values()) / max(1, len(made)) / 1e6
    yield BenchLine.of("disk a task", each, apart / max(1, len(made)) / 1e6, unit="MB", note=note)


def _layer_sizes(api: Any, image: str) -> Sequence[tuple[str, int]]:
    """Digest and size of each layer, lowest first."""
    digests = api.inspect_image(image)["RootFS"]["Layers"]
    sizes = [int(entry["Size"]) for entry in reversed(api.history(image))]
    return list(zip(digests, sizes, strict=True))
