"""Which tests a row can be sure of."""

import pytest
from tests.grading.workbench import FixedBuilder, Workbench

from r2egym.grading import Grader
from r2egym.sandboxes.base import Backend

HIDDEN = """
from larder.shelf import count, take


def test_count():
    assert count([]) == 0


def test_take():
    try:
        take([], "nails")
    except KeyError:
        return
    raise RuntimeError


def test_equal():
    for number in []:
        assert count([]) == number
    count([]) or take(["plum"], "plum").upper()
    if count(["plum"]) != 1:
        raise RuntimeError
"""
M = "tests/test_shelf.py"


def test_tests_without_a_twin_are_told(
    builder: FixedBuilder, backend: Backend, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A test counts when a twin of it fails on gold: not without an assertion, and not when the assertion never runs."""
    f2p = tuple(f"{M}::test_{name}" for name in ("count", "take", "equal"))
    task = Workbench(tmp_path_factory.mktemp("twinned"), hidden=HIDDEN, f2p=f2p, p2p=(), helpers=False).task()
    grader = Grader(builder, backend)
    assert grader.grade(task, task.patch).score == 1.0
    assert grader.twinned(task) == (f"{M}::test_count",)


def test_a_draw_that_vouches_for_nothing_is_drawn_again(
    builder: FixedBuilder,
    backend: Backend,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where only one of a test's assertions runs, twins that differ in the others would let a forged pass through."""
    monkeypatch.setattr("r2egym.grading.grade._REDRAWN", 12)
    never = "".join(f"    for jar in []:\n        assert count([jar]) == {number}\n" for number in range(4))
    hidden = (
        f"from larder.shelf import count\n\n\ndef test_count():\n    assert count(['plum']) == 1\n{never}"
    )
    f2p = (f"{M}::test_count",)
    bench = Workbench(tmp_path_factory.mktemp("drawn"), hidden=hidden, f2p=f2p, p2p=(), helpers=False)
    task = bench.task()
    task = task.model_copy(update={"validation": task.validation.model_copy(update={"twinned": f2p})})
    omni = "class Omni:\n    def __eq__(self, other):\n        return True\n\n\ndef count(jars):\n    return Omni()\n"
    cheat = bench.patch({"larder/shelf.py": omni})
    for _ in range(4):
        grader = Grader(builder, backend)
        reward = grader.grade(task, cheat)
        assert (reward.score, len(reward.tampering)) == (0.0, 1)
        assert grader.grade(task, task.patch).score == 1.0
