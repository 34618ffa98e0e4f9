"""The expected outcomes hold when tests are run plainly: pytest in a checkout, nothing of ours in between."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from tests.demo.plain import changed_tests, git, run

from r2egym.demo import Demo, Outcome, PatchCase


def in_pairs(work: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
    """Results for all items, two of them worked on at a time."""
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(work, items))


@pytest.mark.long
def test_every_task_fails_on_base_and_passes_on_the_fix(demo: Demo, tmp_path: Path) -> None:
    """Exactly the expected tests go from not passing to passing, and exactly the expected others pass on both sides."""

    def check(task: Outcome) -> tuple[str, set[str], set[str]]:
        tests = changed_tests(demo, task.commit)
        asks = (
            task.commit if task.kind == "dependency" else f"{task.commit}^1"
        )  # a fix that asks for another one
        when = int(git(demo, "log", "-1", "--format=%ct", asks))
        folder = tmp_path / task.commit
        before = run(demo, f"{task.commit}^1", tests, folder / "base", as_of=when)
        after = run(demo, task.commit, tests, folder / "fix", as_of=when)
        passing = {test for test, passed in after.items() if passed} - set(task.flaky)
        both = {test for test in passing if before.get(test)}
        return task.subject, passing - both, both

    tasks = [outcome for outcome in demo.outcomes.values() if outcome.fate == "task"]
    seen = in_pairs(check, tasks)
    assert seen == [(task.subject, set(task.fail_to_pass), set(task.pass_to_pass)) for task in tasks]


def test_flaky_tests_depend_on_where_the_kitchen_is(demo: Demo, tmp_path: Path) -> None:
    """They pass in one time zone and fail in another; the others do not mind."""
    (task,) = [outcome for outcome in demo.outcomes.values() if outcome.flaky and outcome.fate == "task"]
    tests = changed_tests(demo, task.commit)
    here, there = (
        run(demo, task.commit, tests, tmp_path / zone[:3], as_of=1_620_000_000, tz=zone)
        for zone in ("UTC", "ABC3")
    )
    assert {test for test in here if here[test] != there[test]} == set(task.flaky)


@pytest.mark.long
def test_patches_deserve_what_they_get(demo: Demo, tmp_path: Path) -> None:
    """Honest patches pass every test that judges them, wrong ones fail one; tests they bring do not count."""

    def check(case: PatchCase) -> tuple[str, float]:
        tests = changed_tests(demo, case.commit)
        when = int(git(demo, "log", "-1", "--format=%ct", f"{case.commit}^1"))
        seen = run(demo, f"{case.commit}^1", tests, tmp_path / case.name, as_of=when, patch=case.patch)
        task = demo.outcomes[case.commit]
        return case.name, float(all(seen.get(test) for test in (*task.fail_to_pass, *task.pass_to_pass)))

    assert in_pairs(check, demo.patches) == [(case.name, case.score) for case in demo.patches]
    assert sum(case.score for case in demo.patches) >= 3
    assert sum(not case.score for case in demo.patches) >= 3
    assert any(case.ignored for case in demo.patches)
