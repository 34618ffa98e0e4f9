"""Proving the rows of a dataset again, on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from r2egym.building import Builder
from r2egym.building.published_images import image_of
from r2egym.curation.certificate import certify
from r2egym.curation.funnel import NotATaskError
from r2egym.curation.mutation import mutation_of
from r2egym.curation.workshop import Options, Workshop
from r2egym.errors import R2EGymError
from r2egym.grading import Grader
from r2egym.jobs import Threads
from r2egym.records import Mutation, Record, Reward, Task
from r2egym.sandboxes import open_backend
from r2egym.tasks import Dataset


class Finding(Record):
    """Whether one row still holds."""

    instance_id: str
    holds: bool
    gold: float | None = None
    """Score of the gold patch now."""
    empty: float | None = None
    """Score of the empty patch now."""
    census: dict[str, int] = {}
    attacks: dict[str, float] = {}
    mutation: Mutation | None = None
    """What the tests make of small faults of the gold patch, when that was asked for; it does not decide whether a row holds."""
    reason: str = ""
    """Why it does not hold, in one line."""
    failure: bool = False
    """Whether the machinery failed, so that nothing is known."""


def examine_rows(
    dataset: Dataset,
    home: Path,
    *,
    sandbox: Literal["bubblewrap", "docker"] = "bubblewrap",
    quick: bool = False,
    one_by_one: bool = False,
    mutation: int = 0,
    options: Options | None = None,
    index: Path | None = None,
    jobs: int = 1,
) -> Iterator[Finding]:
    """Prove every row again: rebuilt from what the row says, in the order of the dataset.

    Args:
        dataset: the rows, and the folder that they may lead to.
        home: where layers and sandboxes are kept.
        sandbox: where tests run.
        quick: gold and empty only.
        one_by_one: try every known cheat alone rather than in composites.
        mutation: most mutants of a row's gold patch that are graded too.
        options: the history that agents get, and how many runs of gold must agree.
        index: a folder of wheels instead of the configured package index.
        jobs: rows worked on at once.
    """
    chosen = options or Options()
    backend = open_backend(sandbox, home)
    with Builder(home, backend=backend, index=index) as builder:
        grader = Grader(builder, backend)
        spread = Threads(jobs)

        def work(task: Task) -> Finding:
            try:
                if image_of(task):  # neither rebuilt nor certified: there is nothing in the row to do it from
                    return _replayed(grader, task, dataset.root, 1 if quick else chosen.runs)
                built = builder.for_task(task, dataset.root)
                shop = Workshop(
                    built.repository, builder, backend, grader, chosen, home / "tmp", lambda: spread.cancelled
                )
                finding = _examine(shop, task, dataset.root, quick=quick, one_by_one=one_by_one)
                return _with_mutation(shop, task, dataset.root, finding, mutation)
            except R2EGymError as error:
                reason = f"{error.boundary}: {error}"
                return Finding(instance_id=task.instance_id, holds=False, reason=reason, failure=True)

        yield from spread.map(work, dataset.tasks)


def _examine(shop: Workshop, task: Task, root: Path | None, *, quick: bool, one_by_one: bool) -> Finding:
    grader = shop.grader.sealing() if shop.options.seal else shop.grader
    finding = _replayed(grader, task, root, 1 if quick else shop.options.runs)
    if quick or not finding.holds:
        return finding
    return _further(shop, task, finding, root, one_by_one=one_by_one)


def _replayed(grader: Grader, task: Task, root: Path | None, runs: int) -> Finding:
    """Whether gold scores 1 in every run, and the empty patch 0."""
    gold = [grader.grade(task, task.patch, root=root) for _ in range(runs)]
    empty = grader.grade(task, "", root=root)
    finding = Finding(
        instance_id=task.instance_id,
        holds=True,
        gold=min((reward.score for reward in gold if reward.score is not None), default=None),
        empty=empty.score,
    )
    for reward, wanted, name in [
        *((reward, 1.0, "the gold patch") for reward in gold),
        (empty, 0.0, "the empty patch"),
    ]:
        if reward.failure is not None:
            why = f"{name}: {reward.failure.boundary}: {reward.failure.cause}"
            return finding.model_copy(update={"holds": False, "reason": why, "failure": True})
        if reward.score != wanted:
            why = f"{name} scores {reward.score:g}, not {wanted:g}{_missing(reward)}"
            return finding.model_copy(update={"holds": False, "reason": why})
    return finding


def _missing(reward: Reward) -> str:
    """What of a reward tells why a solution does not count."""
    failed = [
        f"{test} {status.value}"
        for test, status in {**reward.f2p, **reward.p2p}.items()
        if status != "PASSED"
    ]
    told = reward.note or ", ".join(failed[:3])
    return f": {told}" if told and not reward.resolved else ""


def _with_mutation(shop: Workshop, task: Task, root: Path | None, finding: Finding, most: int) -> Finding:
    if not most or not finding.holds:
        return finding
    measured = mutation_of(task, shop.repository, shop.grader, most=most, root=root)
    return finding.model_copy(update={"mutation": measured})


def _further(shop: Workshop, task: Task, finding: Finding, root: Path | None, *, one_by_one: bool) -> Finding:
    built = shop.builder.for_task(task, root)
    census = shop.builder.census(built, shop.options.history)
    finding = finding.model_copy(update={"census": census})
    if census.get("foreign", 0):
        why = f"{census['foreign']} objects of .git lie beyond the base"
        return finding.model_copy(update={"holds": False, "reason": why})
    try:
        certified = certify(shop, built, task, root=root, one_by_one=one_by_one)
    except NotATaskError as error:
        return finding.model_copy(update={"holds": False, "reason": error.detail})
    return finding.model_copy(update={"attacks": certified.validation.attacks})
