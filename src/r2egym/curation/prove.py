"""Proving a task on the grader that will judge it, or turning it away.

Gold scores 1 and nothing scores 0; the environment's ``.git`` holds nothing beyond the base; the known cheats score 0;
and it is known which files of the fix matter. What was proved goes into the task's validation, what was not stays None.
"""

from __future__ import annotations

import re

from r2egym.attacks import Target
from r2egym.building import Built
from r2egym.curation.certificate import certify
from r2egym.curation.funnel import NotATaskError
from r2egym.curation.stub import stub_patch
from r2egym.curation.workshop import UngradableError, Workshop
from r2egym.errors import UsageError
from r2egym.mining import parse_patch
from r2egym.records import Reward, Task, TestStatus

_DOCUMENT = re.compile(r"(^|/)(docs?|changelog\.d|newsfragments|CHANGES)/|\.(rst|md)$")
"""Files of a patch without which it is as good to a test."""
_MOST_GRADERS = 3
"""Graders that are tried until one agrees with the one before it."""
MOST_FILES = 8
"""Files of a gold patch that are left out one by one; a patch with more has no relevant files told."""


def prove(shop: Workshop, built: Built, task: Task) -> Task:
    """The task with everything proved.

    Raises:
        NotATaskError: it does not hold (stage ``prove``).
        GraderError: the machinery failed, so nothing is known.
    """
    shop, task, twinned = _supported(shop, task)
    task = _unbroken(shop, task)
    _guard_against_triviality(shop, task)
    census = shop.builder.census(built, shop.options.history)
    if census.get("foreign", 0):
        raise NotATaskError(
            "prove", "future-in-git", f"{census['foreign']} objects of .git lie beyond the base"
        )
    relevant = _relevant_files(shop, task)
    validation = task.validation.model_copy(
        update={
            "gold": 1.0,
            "empty": 0.0,
            "runs": shop.options.runs,
            "twinned": tuple(test for test in task.fail_to_pass if test in twinned),
            "census": census,
        }
    )
    task = task.model_copy(
        update={"validation": validation, "published": {**task.published, "relevant_files": list(relevant)}}
    )
    if shop.options.seal:
        task = _sealed(shop, task)
    return certify(shop, built, task) if shop.options.attacks else task


def _supported(shop: Workshop, task: Task) -> tuple[Workshop, Task, set[str]]:
    """The task less the tests that pass plainly and not under grading, a grader on which gold scores 1, and the guarded tests.

    Guarded are those of which a twin was seen to fail on gold.

    Each grader compiles the tests anew, with other names and twins, so that what depends on them shows: what the first one
    leaves must hold on a second. Where tests write beside themselves, grading gives them a scratch copy of the source; that
    is tried once when it could help.
    """
    lost, reward = _lost(shop, task)
    if lost and not task.environment.recipe.writable_source:
        recipe = task.environment.recipe.model_copy(update={"writable_source": True})
        environment = task.environment.model_copy(update={"recipe": recipe})
        second = task.model_copy(update={"environment": environment})
        fewer, other = _lost(shop, second)
        if len(fewer) < len(lost):
            task, lost, reward = second, fewer, other
    twinned = set(shop.grader.twinned(task))
    for _ in range(_MOST_GRADERS):
        if reward.tampering:
            break
        if lost:
            task = _without(task, lost)
            if not task.fail_to_pass:
                raise NotATaskError(
                    "prove", "unsupported", f"no test that the fix mends passes when graded: {lost[0]}"
                )
        shop = shop.fresh()
        lost, reward = _lost(shop, task)
        twinned.update(shop.grader.twinned(task))
        if reward.score == 1.0:
            return shop, task, twinned
    raise NotATaskError("prove", "gold-fails", f"the fix does not score 1: {_why(reward)}")


def _sealed(shop: Workshop, task: Task) -> Task:
    """The task with what sealed runs of gold and base find."""
    shop.check()
    sites, seal = shop.grader.seal(task)
    told = {"sites": sites, "seal": seal, "forgeable": "strong" not in seal.values()}
    return task.model_copy(update={"validation": task.validation.model_copy(update=told)})


def _why(reward: Reward) -> str:
    """Why the fix does not score 1 though its tests passed plainly."""
    seen = {**reward.f2p, **reward.p2p}
    bad = [f"{test} is {status}" for test, status in seen.items() if status is not TestStatus.PASSED]
    return next(filter(None, (*reward.tampering, reward.note, *bad)), "the run did not come to its end")


def _lost(shop: Workshop, task: Task) -> tuple[list[str], Reward]:
    try:
        reward = shop.grade(task, task.patch)
    except UngradableError as error:
        raise NotATaskError("prove", "gold-fails", str(error)) from None
    seen = {**reward.f2p, **reward.p2p}
    return [test for test, status in seen.items() if status is not TestStatus.PASSED], reward


def _unbroken(shop: Workshop, task: Task) -> Task:
    """The task less the tests that passed without the fix, and do not when that is graded. Nothing must score 0."""
    reward = shop.grade(task, "")
    lost = [test for test, status in reward.p2p.items() if status in {TestStatus.FAILED, TestStatus.ERROR}]
    if reward.score != 0.0 or not any(status is not TestStatus.PASSED for status in reward.f2p.values()):
        raise NotATaskError("prove", "empty-passes", "the tests pass without the fix")
    return _without(task, lost) if lost else task


def _without(task: Task, lost: list[str]) -> Task:
    gone = set(lost)
    unsupported = tuple(sorted({*task.validation.unsupported, *gone}))
    return task.model_copy(
        update={
            "fail_to_pass": tuple(test for test in task.fail_to_pass if test not in gone),
            "pass_to_pass": tuple(test for test in task.pass_to_pass if test not in gone),
            "base_statuses": {
                test: status for test, status in task.base_statuses.items() if test not in gone
            },
            "gold_statuses": {
                test: status for test, status in task.gold_statuses.items() if test not in gone
            },
            "validation": task.validation.model_copy(update={"unsupported": unsupported}),
        }
    )


def _expect(shop: Workshop, task: Task, patch: str, score: float, reason: str, detail: str) -> None:
    if shop.grade(task, patch).score != score:
        raise NotATaskError("prove", reason, detail)


def _guard_against_triviality(shop: Workshop, task: Task) -> None:
    """A task whose tests only ask that names exist is none: hollow definitions of them must score 0."""
    try:
        hollow = stub_patch(Target(task, shop.repository))
    except UsageError:
        return
    if hollow:
        _expect(shop, task, hollow, 0.0, "trivial", "definitions without a body satisfy the tests")


def _relevant_files(shop: Workshop, task: Task) -> tuple[str, ...]:
    """The files of the fix without which it scores 0, found by leaving out one at a time."""
    parts = parse_patch(task.patch, max_bytes=1 << 30)
    telling = [part for part in parts if not _DOCUMENT.search(part.path)] or list(parts)
    if len(telling) == 1:
        return (telling[0].path,)
    if len(telling) > MOST_FILES:
        return ()
    relevant = []
    for left_out in telling:
        rest = "".join(part.text for part in parts if part is not left_out)
        if shop.grade(task, rest).score == 0.0:
            relevant.append(left_out.path)
    if not relevant:
        raise NotATaskError("prove", "no-relevant-file", "no single file of the fix matters")
    return tuple(relevant)
