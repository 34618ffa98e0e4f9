"""From one machine to ten thousand sandboxes: a small simulation fed by what was measured here, and what saturates first.

Rollouts are customers of a closed network of queues: each begins a sandbox, takes turns between a model and a command, is
graded, ends, and begins anew. Stations serve first come, first served, with as many servers as there are: cores of all nodes together, the
controllers that journal every step, the engine's own bookkeeping on each Docker host, the link to the registry, places at the
model's server. What it leaves out stands in ``design/scale.md``.
"""

from __future__ import annotations

import heapq
import itertools
import random
import statistics
import tempfile
import time
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from r2egym.bench import BenchLine
from r2egym.errors import R2EGymError
from r2egym.sandboxes import open_backend
from r2egym.sandboxes.base import SandboxConfig
from r2egym.settings import Settings

SIZES = (100, 512, 2_000, 10_000)
"""Sandboxes at once."""
_SEED = 7


@dataclass(frozen=True)
class Costs:
    """What one thing costs, in seconds of one server."""

    start: float
    """CPU of a node, from nothing to a first answer."""
    command: float
    """CPU of a node that a step takes beside what the command itself does."""
    close: float
    engine: float = 0.0
    """Of a start that the engine does one after the other; 0 where there is none."""


@dataclass(frozen=True)
class Load:
    """What rollouts do. Defaults: a coding agent of fifty steps, and suites of a few seconds."""

    steps: int = 50
    think: float = 6.0
    """Seconds of a model's answer."""
    work: float = 0.4
    """CPU seconds of a step's own command."""
    grade: float = 8.0
    """CPU seconds of a grading run, twins included."""
    journal: float = 0.002
    """Controller's CPU seconds a step."""
    layer_megabytes: float = 2.0
    """Of a task that a node has not met; what tasks share is there already."""
    new_tasks: float = 0.5
    """Share of rollouts whose task is new to their node."""


@dataclass(frozen=True)
class Fleet:
    """What there is to do it with."""

    nodes: int
    cores: int = 32
    """Of a node."""
    controllers: int = 1
    """Processes that lead rollouts; one core each."""
    model_places: int = 2_000
    """Requests that the model's servers answer at once."""
    registry_megabytes: float = 1_000.0
    """A second, all nodes together."""

    def servers(self) -> dict[str, int]:
        """By station, how many."""
        return {
            "node CPU": self.nodes * self.cores,
            "controller": self.controllers,
            "engine": self.nodes,
            "registry": 1,
            "model": self.model_places,
        }


@dataclass
class _Station:
    servers: int
    busy: int = 0
    used: float = 0.0
    waiting: deque[tuple[int, float]] = field(default_factory=deque)


@dataclass(frozen=True)
class Forecast:
    """What a fleet does under a load."""

    rollouts_an_hour: float
    use: Mapping[str, float]
    """By station, the share of its time that it is busy."""

    @property
    def bottleneck(self) -> str:
        """The busiest station."""
        return max(self.use, key=lambda name: self.use[name])


def simulate(costs: Costs, load: Load, fleet: Fleet, sandboxes: int, *, turns: int = 10) -> Forecast:
    """Follow every sandbox through two rollouts; the first one warms up.

    Args:
        costs: measured.
        load: what a rollout does.
        fleet: what there is.
        sandboxes: at once.
        turns: into how many a rollout's steps are gathered, for speed.
    """
    chance = random.Random(_SEED)  # noqa: S311 - arrivals, not secrets
    stations = {name: _Station(count) for name, count in fleet.servers().items()}
    plans = [iter(_rollout(costs, load, fleet, turns, chance, 3)) for _ in range(sandboxes)]
    events: list[tuple[float, int, int, str, float]] = []
    order = itertools.count()
    done: list[float] = []

    def serve(now: float, who: int, name: str, seconds: float) -> None:
        station = stations[name]
        station.busy += 1
        heapq.heappush(events, (now + seconds, next(order), who, name, seconds))

    def proceed(now: float, who: int) -> None:
        for name, seconds in plans[who]:
            if name == "end":
                done.append(now)
                continue
            if seconds <= 0:
                continue
            station = stations[name]
            if station.busy < station.servers:
                serve(now, who, name, seconds)
            else:
                station.waiting.append((who, seconds))
            return

    for who in range(sandboxes):
        proceed(0.0, who)
    now = 0.0
    stop_at = 2 * sandboxes
    while events and len(done) < stop_at:
        now, _, who, name, served = heapq.heappop(events)
        station = stations[name]
        station.busy -= 1
        station.used += served
        if station.waiting:
            next_one, seconds = station.waiting.popleft()
            serve(now, next_one, name, seconds)
        proceed(now, who)
    use = {name: station.used / (now * station.servers) for name, station in stations.items()}
    return Forecast(len(done) / now * 3600, use)


def _rollout(
    costs: Costs, load: Load, fleet: Fleet, turns: int, chance: random.Random, times: int
) -> Iterator[tuple[str, float]]:
    """Stations of a customer in their order, and seconds at each; times vary as those of a memoryless server do."""

    def about(seconds: float) -> float:
        return chance.expovariate(1 / seconds) if seconds > 0 else 0.0

    each = load.steps / turns
    for _ in range(times):
        if chance.random() < load.new_tasks:
            yield "registry", load.layer_megabytes / fleet.registry_megabytes
        yield "engine", costs.engine
        yield "node CPU", costs.start
        for _ in range(turns):
            yield "model", about(load.think * each)
            yield "controller", load.journal * each
            yield "node CPU", about((load.work + costs.command) * each)
        yield "node CPU", about(load.grade) + costs.start + costs.close
        yield "end", 0.0


def run(settings: Settings, *, rounds: int = 5) -> Iterator[BenchLine]:
    """Measure what a start, a command and a close cost here, then tell what a fleet of that makes; one line a size.

    ``ours`` is rollouts an hour with sandboxes on the nodes themselves, ``reference`` with containers of an engine on each node.
    """
    settings.home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=settings.home) as name:
        local = measure(Path(name), "bubblewrap", rounds)
        try:
            engine: Costs | None = measure(Path(name), "docker", rounds)
        except R2EGymError:
            engine = None
    for what in ("start", "command", "close"):
        theirs = getattr(engine, what) * 1000 if engine else None
        yield BenchLine.of(f"measured: {what}", getattr(local, what) * 1000, theirs, note="reference: docker")
    for sandboxes in SIZES:
        fleet = Fleet(nodes=max(1, sandboxes // 64), controllers=max(1, sandboxes // 512))
        ours = simulate(local, Load(), fleet, sandboxes)
        theirs = simulate(engine, Load(), fleet, sandboxes) if engine else None
        use = ", ".join(
            f"{name} {share:.0%}" for name, share in sorted(ours.use.items(), key=lambda one: -one[1])[:3]
        )
        yield BenchLine.of(
            f"{sandboxes} sandboxes, {fleet.nodes} nodes",
            ours.rollouts_an_hour,
            theirs.rollouts_an_hour if theirs else None,
            unit="rollouts/h",
            note=f"busiest: {use}" + (f"; under docker: {theirs.bottleneck}" if theirs else ""),
        )


def measure(home: Path, name: str, rounds: int) -> Costs:
    """Costs on this machine, one after the other. Raises SandboxError or UsageError when the backend does not run."""
    backend = open_backend(name, home)
    backend.open(SandboxConfig()).close()
    starts, commands, closes = [], [], []
    for _ in range(rounds):
        began = time.perf_counter()
        box = backend.open(SandboxConfig())
        box.exec(["true"])
        starts.append(time.perf_counter() - began)
        for _ in range(20):
            began = time.perf_counter()
            box.exec(["true"])
            commands.append(time.perf_counter() - began)
        began = time.perf_counter()
        box.close()
        closes.append(time.perf_counter() - began)
    start = statistics.median(starts)
    return Costs(
        start=start,
        command=statistics.median(commands),
        close=statistics.median(closes),
        engine=start / 4 if name == "docker" else 0.0,  # a quarter was seen to be done one after the other
    )
