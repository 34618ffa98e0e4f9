"""The bounded map over threads."""

import threading
import time

import pytest

from r2egym.jobs import Threads


def test_ordered_results_follow_the_items():
    """Results come in the order of the items, however long each takes."""

    def slow_first(number: int) -> int:
        time.sleep(0.02 if number == 0 else 0)
        return number * number

    assert list(Threads(4).map(slow_first, range(20))) == [n * n for n in range(20)]


def test_unordered_results_come_as_they_are_ready():
    """Without order, a slow item does not hold the others back."""
    gate = threading.Event()

    def wait_for_gate(number: int) -> int:
        if number == 0:
            gate.wait(5)
        return number

    results = Threads(2).map(wait_for_gate, range(4), ordered=False)
    first = [next(results) for _ in range(3)]
    gate.set()
    assert 0 not in first
    assert list(results) == [0]


def test_items_are_taken_lazily():
    """No more than the window is taken ahead of what was handed out."""
    taken = []

    def items():
        for number in range(100):
            taken.append(number)
            yield number

    results = Threads(2, ahead=1).map(lambda number: number, items())
    next(results)
    assert len(taken) <= 4
    results.close()


def test_an_exception_comes_out_and_ends_the_map():
    """What a worker raises is raised by the iterator."""
    with pytest.raises(ZeroDivisionError):
        list(Threads(3).map(lambda number: 1 // number, [1, 0, 1]))


def test_cancel_starts_nothing_more():
    """After cancel, what is in flight is finished and nothing else is started."""
    threads = Threads(1, ahead=0)
    seen = []
    for number in threads.map(lambda number: number, range(100)):
        seen.append(number)
        threads.cancel()
    assert len(seen) <= 2
