"""Which attempts are worth learning from: a list of plain functions, each of which rejects with a reason or says nothing.

Whoever wants an attempt that a filter rejects names the reason (``--keep``), and the filter is left out.
"""

from __future__ import annotations

from collections.abc import Callable

from r2egym.tasks import sealed_at_least
from r2egym.training.attempts import Exported
from r2egym.training.options import ExportOptions, Purpose

Filter = Callable[[Exported, ExportOptions], bool]
"""Whether an attempt is to be rejected."""


def masked(one: Exported, options: ExportOptions) -> bool:  # noqa: ARG001 - a filter's signature
    """The machinery broke, so that its reward says nothing."""
    return one.trajectory.masked or one.trajectory.failure is not None


def tampered(one: Exported, options: ExportOptions) -> bool:  # noqa: ARG001
    """Its patch meddled with the run of the tests."""
    return one.trajectory.grade is not None and bool(one.trajectory.grade.tampering)


def unrewarded(one: Exported, options: ExportOptions) -> bool:  # noqa: ARG001
    """Nobody graded it."""
    return one.trajectory.reward is None


def unresolved(one: Exported, options: ExportOptions) -> bool:  # noqa: ARG001
    """It did not solve its task."""
    return one.trajectory.reward != 1.0


def near_duplicate(one: Exported, options: ExportOptions) -> bool:  # noqa: ARG001
    """Its task is nearly another one of the dataset."""
    return one.task is not None and one.task.duplicate_of is not None


def swebench(one: Exported, options: ExportOptions) -> bool:  # noqa: ARG001
    """SWE-bench has tasks of the same repository, on which a trained model would be measured."""
    return one.task is not None and one.task.swebench is True


def weak_seal(one: Exported, options: ExportOptions) -> bool:
    """Its task's answers are not withheld as strongly as is asked for, or nobody has looked."""
    return options.min_seal != "none" and not (one.task and sealed_at_least(one.task, options.min_seal))


def empty(one: Exported, options: ExportOptions) -> bool:  # noqa: ARG001
    """Nothing was done in it."""
    return not one.trajectory.trajectory_steps


def callless(one: Exported, options: ExportOptions) -> bool:  # noqa: ARG001
    """A turn of it makes no call, or one that could not be read, and would be learned."""
    return any(step.call is None or step.call.broken for step in one.trajectory.trajectory_steps)


def thoughtless(one: Exported, options: ExportOptions) -> bool:
    """Before a call other than the last it says nothing, and thoughts are asked for."""
    steps = one.trajectory.trajectory_steps[:-1]
    return options.thoughts == "require" and not all(step.thought.strip() for step in steps)


def other_agent(one: Exported, options: ExportOptions) -> bool:
    """A testing agent's attempt among editing ones, or the other way round."""
    return (one.trajectory.agent == "test") != (options.purpose == "testing")


def unfinished(one: Exported, options: ExportOptions) -> bool:  # noqa: ARG001
    """A limit ended it, so its last turn is none that hands in."""
    return one.trajectory.exit_reason != "agent"


def testless(one: Exported, options: ExportOptions) -> bool:  # noqa: ARG001
    """It wrote no test."""
    from r2egym.verifiers.suite import written_tests

    return not written_tests(one.trajectory.output_patch)


_KEPT_OUT: dict[str, Filter] = {
    "near-duplicate": near_duplicate,
    "swebench": swebench,
    "weak-seal": weak_seal,
}
_BROKEN: dict[str, Filter] = {"masked": masked, "empty": empty}

FILTERS: dict[Purpose, dict[str, Filter]] = {
    "editing": {
        **_BROKEN, **_KEPT_OUT, "other-agent": other_agent, "tampered": tampered, "unresolved": unresolved,
        "callless": callless, "thoughtless": thoughtless,
    },
    "testing": {
        **_BROKEN, **_KEPT_OUT, "other-agent": other_agent, "unfinished": unfinished, "testless": testless,
        "callless": callless, "thoughtless": thoughtless,
    },
    "verifier": {
        **_BROKEN, **_KEPT_OUT, "other-agent": other_agent, "tampered": tampered, "unrewarded": unrewarded,
    },
    "rl": {"empty": empty, **_KEPT_OUT},
    "atif": {},
    "predictions": {},
}  # fmt: skip
"""Reason → filter, in the order in which they are asked."""
LATER = ("too-long", "repeated", "over-cap", "unbalanced")
"""Reasons that are known only when rows are there."""


def reject(one: Exported, options: ExportOptions) -> str | None:
    """The first reason against an attempt; None: there is none."""
    for reason, rejects in FILTERS[options.purpose].items():
        if reason not in options.keep and rejects(one, options):
            return reason
    return None
