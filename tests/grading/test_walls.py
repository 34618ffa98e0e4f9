"""Cheats that know this grader's own machinery, and a few that forge a single assertion. Each must score 0."""

from __future__ import annotations

import pytest
from tests.grading.workbench import BASE, Workbench

from r2egym.grading import Grader
from r2egym.records import Reward, Task

_FIND_EMIT = """
import gc, sys
def _emitters():
    for thing in gc.get_objects():
        if type(thing).__name__ == "function" and thing.__name__ == "emit" and thing.__code__.co_filename.startswith("_r2egym"):
            yield thing
EMIT = list(_emitters())[0]
"""

_REPORT_ALL = (
    _FIND_EMIT
    + """
import os
class P:
    @staticmethod
    def pytest_runtestloop(session):
        for index in range(len(session.items)):
            for when in ("setup", "call", "teardown"):
                EMIT("phase", i=index, w=when, o="passed")
        EMIT("end", code=0)
        os._exit(0)
for thing in gc.get_objects():
    if type(thing).__name__ == "Session":
        thing.config.pluginmanager.register(P())
"""
)

_DROP_SOME = """
import gc
class P:
    @staticmethod
    def pytest_collection_modifyitems(items):
        seen = {}
        for item in list(items):
            kind = (item.function.__code__.co_code, item.cls)
            if seen.setdefault(kind, item.originalname) != item.originalname:
                items.remove(item)
for thing in gc.get_objects():
    if type(thing).__name__ == "Session":
        thing.config.pluginmanager.register(P())
import _pytest.python
_pytest.python.Function.runtest = lambda self: None
"""

_NEW_CODES = """
import sys
stub = sys.modules["_r2egym_stub"]
stub.code = lambda path: compile("def test_label(): pass", path, "exec")
"""

_ANY = """
class Any(object):
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __len__(self): return 0
    __hash__ = None
"""

WAYS = {
    "reports everything as passed and leaves": BASE["larder/shelf.py"] + _REPORT_ALL,
    "drops one copy of each test": BASE["larder/shelf.py"] + _DROP_SOME,
    "answers for the stubs": BASE["larder/shelf.py"] + _NEW_CODES,
    "one answer that equals everything": BASE["larder/shelf.py"]
    + _ANY
    + "count = label = take = lambda *_: Any()\nfull = bool\n",
}


def _honest_but(bench: Workbench, source: str) -> str:
    return bench.patch({"larder/shelf.py": source})


@pytest.mark.parametrize("way", WAYS)
def test_it_scores_zero(grader: Grader, task: Task, bench: Workbench, way: str) -> None:
    """Whatever is done with the machinery, a test cannot be told from its twin."""
    reward = grader.grade(task, _honest_but(bench, WAYS[way]))
    assert (reward.score, reward.failure) == (0.0, None), reward
    assert not reward.resolved


def test_forged_results_are_called_tampering(grader: Grader, task: Task, bench: Workbench) -> None:
    """A run in which all copies pass contradicts itself, whatever its exit code says."""
    reward = grader.grade(task, _honest_but(bench, WAYS["reports everything as passed and leaves"]))
    assert any("its twin" in line for line in reward.tampering)
    assert reward.published == 0


TWO_ASSERTIONS = """
from larder.shelf import join, label


def test_label():
    assert join([1], [2]) == [1, 2]
    assert join([3], []) == [3]
    assert label("plum") == "jar of plum"
"""


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workbench, Task]:
    """A task whose only test asserts two things that hold on base, and one that does not."""
    bench = Workbench(
        tmp_path_factory.mktemp("mixed"),
        hidden=TWO_ASSERTIONS,
        f2p=("tests/test_shelf.py::test_label",),
        p2p=(),
        helpers=False,
    )
    return bench, bench.task()


def test_one_forged_assertion_among_honest_ones_shows(grader: Grader, mixed: tuple[Workbench, Task]) -> None:
    """An object that equals everything passes one assertion of three; the twin that differs there alone passes too."""
    bench, task = mixed
    assert grader.grade(task, task.patch).score == 1.0
    source = BASE["larder/shelf.py"] + _ANY + "label = lambda name: Any()\n"
    reward: Reward = grader.grade(task, bench.patch({"larder/shelf.py": source}))
    assert reward.score == 0.0
    assert reward.tampering == ("tests/test_shelf.py::test_label passed, and so did its twin",)


def test_a_twin_that_proves_nothing_accuses_nobody(
    grader: Grader, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Where gold passes test and twin alike, so may everybody."""
    hidden = (
        "from larder.shelf import label\n\n\ndef test_label():\n    for jar in ():\n        assert jar == 3\n"
        "    if label('plum') != 'jar of plum':\n        raise RuntimeError\n"
    )
    bench = Workbench(
        tmp_path_factory.mktemp("dud"),
        hidden=hidden,
        f2p=("tests/test_shelf.py::test_label",),
        p2p=(),
        helpers=False,
    )
    task = bench.task()
    other = bench.patch(
        {
            "larder/shelf.py": BASE["larder/shelf.py"].replace(
                "return name\n", "return 'jar of ' + str(name)\n", 1
            )
        }
    )
    for patch in (other, task.patch):
        reward = grader.grade(task, patch)
        assert (reward.score, reward.tampering) == (1.0, ())
    assert grader.grade(task, "").score == 0.0


def test_an_inherited_test_of_the_project_accuses_nobody(
    grader: Grader, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A class of tests that the project offers keeps its names, also where a hidden test is called the same."""
    hidden = (
        "from larder.checks import Checks\nfrom larder.shelf import label\n\n\n"
        "def test_label():\n    assert label('plum') == 'jar of plum'\n\n\nclass TestMore(Checks):\n    pass\n"
    )
    checks = "class Checks:\n    def test_label(self):\n        assert 'jar'\n"
    bench = Workbench(
        tmp_path_factory.mktemp("offered"),
        base={**BASE, "larder/checks.py": checks},
        hidden=hidden,
        f2p=("tests/test_shelf.py::test_label",),
        p2p=("tests/test_shelf.py::TestMore::test_label",),
        helpers=False,
    )
    task = bench.task()
    other = bench.patch(
        {"larder/shelf.py": BASE["larder/shelf.py"].replace("return name", "return f'jar of {name}'", 1)}
    )
    for patch in (other, task.patch):
        reward = grader.grade(task, patch)
        assert (reward.score, reward.tampering) == (1.0, ()), reward
    assert grader.grade(task, "").score == 0.0
