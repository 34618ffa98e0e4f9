"""The map over Ray: the laws of the map over threads, in other processes."""

import gc
import os
import sys
import warnings

import pytest

from r2egym.errors import UsageError
from r2egym.jobs.ray import Ray

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")


def square(number: int) -> int:
    """Work that pickles."""
    return number * number


def invert(number: int) -> float:
    """Work that fails for 0."""
    return 1 / number


def full(number: int) -> int:
    """A full disk, with its number."""
    raise OSError(28, "no room", "/somewhere")


class Opener:
    """A function that opens something where it is sent to."""

    def __init__(self) -> None:
        self.calls = 0

    def __reduce__(self):
        return Opener, ()

    def __call__(self, number: int) -> tuple[int, int]:
        """Who answered, and how often by now."""
        self.calls += 1
        return os.getpid(), self.calls + 0 * number


@pytest.fixture(scope="module")
def _ray():
    ray = pytest.importorskip("ray", reason="Ray is not installed (uv sync --extra ray)")
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()
    del ray
    with warnings.catch_warnings():  # it drops its processes without waiting for them
        warnings.simplefilter("ignore")
        gc.collect()


def test_without_ray_one_line_says_what_to_do(monkeypatch: pytest.MonkeyPatch):
    """Whoever asks for Ray and has none is told how to get it."""
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UsageError, match=r"pip install 'r2egym\[ray\]'"):
        Ray(2)


@pytest.mark.usefixtures("_ray")
@pytest.mark.parametrize("ordered", [True, False])
def test_every_item_is_answered(*, ordered: bool):
    """In order, or as they are ready; with more workers asked for than there are CPUs."""
    found = list(Ray(5).map(square, range(20), ordered=ordered))
    assert sorted(found) == [n * n for n in range(20)]
    assert not ordered or found == sorted(found)


@pytest.mark.usefixtures("_ray")
def test_an_exception_comes_out_as_it_was():
    """What a worker raises is raised by the iterator, attributes included, and ends the map."""
    spread = Ray(2)
    with pytest.raises(ZeroDivisionError):
        list(spread.map(invert, [1, 0, 1]))
    assert spread.cancelled
    with pytest.raises(OSError, match="no room") as caught:
        list(Ray(1).map(full, [1]))
    assert caught.value.errno == 28


@pytest.mark.usefixtures("_ray")
def test_each_worker_opens_once():
    """The function is rebuilt in every worker, once, and keeps what it opened there."""
    opener = Opener()
    found = list(Ray(2).map(opener, range(10)))
    pids = {pid for pid, _ in found}
    assert os.getpid() not in pids
    assert opener.calls == 0
    assert {calls for _, calls in found} >= {1, 2, 3, 4, 5}


@pytest.mark.usefixtures("_ray")
def test_items_are_taken_lazily_and_cancel_starts_nothing_more():
    """No more than the window is taken; after cancel, what is in flight is finished and nothing else started."""
    taken = []

    def items():
        for number in range(100):
            taken.append(number)
            yield number

    spread = Ray(1, ahead=0)
    seen = []
    for number in spread.map(square, items()):
        seen.append(number)
        spread.cancel()
    assert len(seen) <= 2
    assert len(taken) <= 3
