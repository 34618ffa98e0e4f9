"""The certificate: the known cheats tried on a task.

They are tried as composites, which cost three gradings; where one surprises, its parts are tried one by one, so that the
certificate (and a rejection) names the cheat that wins.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from r2egym.attacks import Attack, Outcome, attack, attacks, composites, judge
from r2egym.building import Built
from r2egym.curation.funnel import NotATaskError
from r2egym.curation.workshop import Workshop
from r2egym.errors import GraderError, UsageError
from r2egym.records import Task


def certify(
    shop: Workshop, built: Built, task: Task, *, root: Path | None = None, one_by_one: bool = False
) -> Task:
    """The task with ``validation.attacks`` and ``validation.alarms`` filled in.

    Args:
        shop: the machinery.
        built: the task's environment, as an agent would have it.
        task: gold scores 1 on it.
        root: the dataset's folder, when the task is a row of one.
        one_by_one: try every cheat alone; dear.

    Raises:
        NotATaskError: a cheat wins (stage ``prove``, reason ``cheat-wins``).
        GraderError: the machinery failed.
    """
    chosen = [one for one in attacks() if not one.needs_seal] if one_by_one else composites()
    outcomes = list(_try(shop, built, task, chosen, root))
    for outcome in outcomes:
        if not outcome.stopped:
            found = f" and finds {outcome.evidence[0][:80]!r}" if outcome.evidence else ""
            raise NotATaskError("prove", "cheat-wins", f"{outcome.attack} scores {outcome.score}{found}")
    validation = task.validation.model_copy(
        update={
            "attacks": {outcome.attack: 0.0 for outcome in outcomes},
            "alarms": tuple(outcome.attack for outcome in outcomes if outcome.tampering),
        }
    )
    return task.model_copy(update={"validation": validation})


def _try(
    shop: Workshop, built: Built, task: Task, chosen: Iterable[Attack], root: Path | None
) -> Iterable[Outcome]:
    for one in chosen:
        outcome = _judge(shop, built, task, one, root)
        if outcome is None:
            continue
        parts = [attack(name) for name in one.name.split("+")]
        if not outcome.stopped and len(parts) > 1:
            yield from _try(shop, built, task, parts, root)
        elif outcome.failure is not None and not outcome.stopped:
            raise GraderError(f"{task.instance_id}: {one.name}: {outcome.failure.cause}")
        else:
            yield outcome


def _judge(shop: Workshop, built: Built, task: Task, one: Attack, root: Path | None) -> Outcome | None:
    """What became of it; None when the task has no place for it."""
    shop.check()
    try:
        return judge(
            one,
            task,
            repository=shop.repository,
            sandbox=built.config(history=shop.options.history),
            backend=shop.backend,
            grader=shop.grader.sealing() if shop.options.seal else shop.grader,
            root=root,
        )
    except UsageError:
        return None
