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
