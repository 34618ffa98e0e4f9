"""Rewards of honest patches, of patches that are none, and of what the machinery does wrong."""

from __future__ import annotations

import time

import pytest
from tests.grading.workbench import ANOTHER, BASE, F2P, FIXED, P2P, FixedBuilder, Workbench

from r2egym.errors import SandboxStartError
from r2egym.grading import GradeOptions, Grader
from r2egym.grading.controls import task_key
from r2egym.records import Task, TestStatus
from r2egym.sandboxes.base import Backend


def test_gold_scores_one(grader: Grader, task: Task) -> None:
    """The fix passes everything, and nothing about it is suspicious."""
    reward = grader.grade(task, task.patch)
    assert reward.failure is None
    assert (reward.score, reward.resolved, reward.published) == (1.0, True, 1), reward
    assert reward.tampering == () == reward.ignored
    assert set(reward.f2p) == set(F2P)
    assert set(reward.p2p) == set(P2P)


def test_nothing_scores_zero(grader: Grader, task: Task) -> None:
    """Without the fix the tests that it mends fail, the others pass, and nobody is accused."""
    reward = grader.grade(task, "")
    assert (reward.score, reward.resolved, reward.published) == (0.0, False, 0)
    assert set(reward.f2p.values()) == {TestStatus.FAILED}
    assert set(reward.p2p.values()) == {TestStatus.PASSED}
    assert reward.tampering == ()
    assert reward.note == "the patch is empty"


def test_another_fix_scores_one(grader: Grader, task: Task, bench: Workbench) -> None:
    """A patch that differs from gold scores 1, also with tests and settings of its own, which are left out."""
    patch = bench.patch(
        {
            "larder/shelf.py": ANOTHER,
            "tests/test_shelf.py": "def test_mine():\n    assert True\n",
            "tests/test_more.py": "def test_more():\n    assert True\n",
            "conftest.py": "raise SystemExit(0)\n",
            "pyproject.toml": BASE["pyproject.toml"] + 'python_files = "nothing.py"\n',
        }
    )
    reward = grader.grade(task, patch)
    assert (reward.score, reward.tampering, reward.failure) == (1.0, (), None), reward
    assert reward.ignored == ("conftest.py", "tests/test_more.py", "tests/test_shelf.py")


def test_a_path_that_is_not_utf8_breaks_nothing(grader: Grader, task: Task) -> None:
    """Files may be called anything; what is told of them can be written down."""
    odd = "".join(
        f'diff --git "a/{path}" "b/{path}"\nnew file mode 100644\n--- /dev/null\n+++ "b/{path}"\n@@ -0,0 +1 @@\n+x\n'
        for path in ("\\377.txt", "tests/\\376.txt")
    )
    reward = grader.grade(task, task.patch + odd)
    assert (reward.score, reward.ignored, reward.failure) == (1.0, ("tests/\\udcfe.txt",), None)
    assert reward.model_dump_json()


def test_half_a_fix_scores_zero(grader: Grader, task: Task, bench: Workbench) -> None:
    """Honest wrong code scores 0 without an accusation, and the statuses tell which tests it mends."""
    half = FIXED.replace('"jar of " + name', '"jar of " + name.upper()')
    reward = grader.grade(task, bench.patch({"larder/shelf.py": half}))
    assert reward.score == 0.0
    assert reward.tampering == ()
    assert [test for test, status in reward.f2p.items() if status != "PASSED"] == [
        "tests/test_shelf.py::test_label"
    ]


@pytest.mark.parametrize(
    ("patch", "word"),
    [
        ("not a patch at all", "diff --git"),
        ("diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-nothing\n+there\n", "does not apply"),
        ("diff --git a/../x b/../x\nnew file mode 100644\n--- /dev/null\n+++ b/../x\n@@ -0,0 +1 @@\n+y\n", "path"),
        ("diff --git a/x b/x\n" + "+" * (50 << 20), "bytes"),
        ("\ud800", "UTF-8"),
        (f"diff --git a/{'x' * 300} b/{'x' * 300}\nnew file mode 100644\n--- /dev/null\n+++ b/{'x' * 300}\n@@ -0,0 +1 @@\n+y\n", "path"),
    ],
    ids=["prose", "unfitting", "outside", "huge", "surrogate", "long-name"],
)  # fmt: skip
def test_what_is_no_patch_scores_zero(grader: Grader, task: Task, patch: str, word: str) -> None:
    """It scores 0 and the note says why; it is neither a failure nor tampering."""
    reward = grader.grade(task, patch)
    assert (reward.score, reward.failure, reward.tampering) == (0.0, None, ())
    assert word in reward.note


@pytest.mark.parametrize(
    "code",
    [
        "import os; os._exit(0)",
        "raise SystemExit(0)",
        "1 / 0",
        "def broken(:",
        "import os; os.abort()",
        "import os; os.kill(os.getpid(), 9)",
    ],
)
def test_a_crash_is_no_tampering(grader: Grader, task: Task, bench: Workbench, code: str) -> None:
    """Code that ends the run early, or cannot be imported, fails the tests and accuses nobody."""
    reward = grader.grade(task, bench.patch({"larder/shelf.py": FIXED + code + "\n"}))
    assert (reward.score, reward.failure) == (0.0, None)
    assert reward.tampering == ()


@pytest.mark.parametrize(
    ("limit", "code"),
    [
        ("timeout", FIXED + "import time\ntime.sleep(3600)\n"),
        (
            "test_timeout",
            FIXED.replace("    return len(jars)\n", "    import time\n    time.sleep(3600)\n", 1),
        ),
    ],
    ids=["run", "test"],
)
def test_a_slow_patch_scores_zero_when_gold_is_quick(
    builder: FixedBuilder,
    backend: Backend,
    grader: Grader,
    task: Task,
    bench: Workbench,
    limit: str,
    code: str,
) -> None:
    """Gold, as a control, shows that the machine is quick enough, so the time is the patch's fault."""
    started = time.monotonic()
    assert grader.grade(task, task.patch).score == 1
    seconds = time.monotonic() - started
    options = GradeOptions(
        timeout=max(4.0, 3 * seconds) if limit == "timeout" else 600.0, test_timeout=max(1.0, seconds / 8)
    )
    reward = Grader(builder, backend, options).grade(task, bench.patch({"larder/shelf.py": code}))
    assert (reward.score, reward.failure, reward.tampering) == (0.0, None, ())
    assert reward.note


def test_a_row_says_how_long_a_test_may_take(grader: Grader, task: Task, bench: Workbench) -> None:
    """What was proved with a time limit is graded with it: a patch that is right and far too slow does not pass later."""
    slow = FIXED.replace(
        "    return left + right\n", "    __import__('time').sleep(4)\n    return left + right\n"
    )
    patch = bench.patch({"larder/shelf.py": slow})
    assert grader.grade(task, patch).score == 1.0
    validation = task.validation.model_copy(update={"patience": 2.0})
    hurried = task.model_copy(update={"validation": validation})
    assert task_key(hurried, None) != task_key(task, None)  # controls are runs with that limit too
    assert grader.grade(hurried, task.patch).score == 1.0
    assert grader.grade(hurried, patch).score == 0.0


def test_twins_that_hang_are_found_and_left_out(
    builder: FixedBuilder, backend: Backend, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A test that waits for ever when it fails costs its time limit once; then the row says so."""
    hidden = (
        "import time\n\nfrom larder.shelf import label\n\n\ndef test_label():\n    good = False\n    try:\n"
        "        assert label('plum') == 'jar of plum'\n        good = True\n    finally:\n"
        "        while not good:\n            time.sleep(1)\n"
    )
    test = "tests/test_shelf.py::test_label"
    bench = Workbench(tmp_path_factory.mktemp("hanging"), hidden=hidden, f2p=(test,), p2p=(), helpers=False)
    task = bench.task()
    hurried = Grader(builder, backend, GradeOptions(timeout=60, test_timeout=0.5))
    assert hurried.grade(task, task.patch).score == 1.0
    assert hurried.twinless(task) == (test,)
    hidden_tests = task.hidden_tests.model_copy(update={"twinless": (test,)})
    told = task.model_copy(update={"hidden_tests": hidden_tests})
    assert hurried.grade(told, task.patch).score == 1.0
    assert hurried.twinless(told) == ()


def test_a_machine_too_slow_for_gold_gives_no_reward(
    builder: FixedBuilder, backend: Backend, task: Task
) -> None:
    """When gold runs out of time as well there is no reward, and it is said that a patch may cause this."""
    reward = Grader(builder, backend, GradeOptions(timeout=0.05)).grade(task, "")
    assert (reward.score, reward.resolved, reward.published) == (None, None, None)
    assert reward.failure is not None
    assert reward.failure.policy_could_cause


def test_a_broken_sandbox_gives_no_reward(builder: FixedBuilder, task: Task) -> None:
    """A backend that cannot start is a failure of the machinery, never a 0."""

    class Broken:
        name = "broken"

        def run(self, *_: object, **__: object) -> None:
            raise SandboxStartError("no namespaces today")

    reward = Grader(builder, Broken()).grade(task, task.patch)  # type: ignore[arg-type]
    assert reward.score is None
    assert reward.failure is not None
    assert (reward.failure.boundary, reward.failure.cause) == ("sandbox", "no namespaces today")
