"""The simulation of a fleet obeys the laws that any such network obeys."""

import pytest

from r2egym.bench.scale import Costs, Fleet, Load, simulate

COSTS = Costs(start=0.02, command=0.001, close=0.01)
LOAD = Load(steps=20, think=5.0, work=0.2, grade=4.0)
RICH = Fleet(nodes=100, cores=32, controllers=10, model_places=10_000)


def test_no_queue_no_wait() -> None:
    """With more of everything than is needed, a rollout takes its own time: Little's law."""
    forecast = simulate(COSTS, LOAD, RICH, 200)
    alone = LOAD.steps * (LOAD.think + LOAD.work + LOAD.journal) + LOAD.grade
    assert forecast.rollouts_an_hour == pytest.approx(200 * 3600 / alone, rel=0.25)
    assert max(forecast.use.values()) < 0.5


@pytest.mark.parametrize(
    ("fleet", "station"),
    [
        (Fleet(nodes=1, cores=4, controllers=10, model_places=10_000), "node CPU"),
        (Fleet(nodes=100, model_places=20), "model"),
        (Fleet(nodes=100, controllers=1, model_places=10_000, registry_megabytes=0.5), "registry"),
    ],
)
def test_the_scarce_thing_saturates(fleet: Fleet, station: str) -> None:
    """What there is too little of is the bottleneck, and is all but always busy."""
    forecast = simulate(COSTS, LOAD, fleet, 400)
    assert forecast.bottleneck == station
    assert forecast.use[station] > 0.8


def test_an_engine_that_starts_one_by_one() -> None:
    """A slow engine on few hosts bounds how many rollouts begin."""
    slow = Costs(start=0.4, command=0.001, close=0.01, engine=30.0)
    forecast = simulate(slow, LOAD, Fleet(nodes=2, cores=500, controllers=10), 400)
    assert forecast.bottleneck == "engine"
    assert forecast.rollouts_an_hour < 2 * 3600 / 30 * 1.1


def test_more_of_it_helps_and_the_same_seed_tells_the_same() -> None:
    """Twice the bottleneck gives more; nothing depends on the clock."""
    small, large = (simulate(COSTS, LOAD, Fleet(nodes=n, cores=4, controllers=10), 400) for n in (1, 2))
    assert large.rollouts_an_hour > 1.5 * small.rollouts_an_hour
    assert simulate(COSTS, LOAD, Fleet(nodes=1, cores=4, controllers=10), 400) == small
