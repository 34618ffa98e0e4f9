"""Runs one attack against the real grader and says what became of it."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from r2egym.attacks.base import Attack, Target
from r2egym.attacks.secrets import found
from r2egym.mining import Repository
from r2egym.records import Failure, Record, Reward, Task
from r2egym.sandboxes.base import Backend, Limits, SandboxConfig

_SCRIPT_SECONDS = 60.0
_OUTPUT = 1 << 26
_LIMITS = Limits(memory_bytes=1 << 30, pids=256, disk_bytes=256 << 20)


class Outcome(Record):
    """What became of one attack on one task."""

    attack: str
    score: float | None
    """What grading said; None on a failure."""
    tampering: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    """Secrets that its script printed."""
    failure: Failure | None = None
    stopped: bool
    """Whether it won nothing: score 0 (or, aimed at the machinery, a failure that the patch may cause), no evidence."""
    needs_seal: bool = False
    duration: float = 0.0
    """Wall seconds of grading."""


class Graders(Protocol):
    """What grades: ``r2egym.grading.Grader`` is one."""

    def grade(self, task: Task, patch: str, *, root: Path | None = None) -> Reward:
        """Grade one patch."""
        ...


def judge(
    attack: Attack,
    task: Task,
    *,
    repository: Repository,
    sandbox: SandboxConfig,
    backend: Backend,
    grader: Graders,
    root: Path | None = None,
) -> Outcome:
    """Let an attack loose on a task.

    A script runs in a sandbox like the agent's (``sandbox``), and its patch is graded while that sandbox still lives.

    Raises:
        SandboxError: the agent's sandbox could not be had.
        UsageError: the task has no place for this attack.
    """
    target = Target(task, repository)
    if attack.stage == "patch":
        return _outcome(attack, grader.grade(task, attack.patch(target), root=root), ())
    with backend.open(sandbox.model_copy(update={"limits": _LIMITS})) as agent:
        printed = agent.exec(attack.script(target), timeout=_SCRIPT_SECONDS, output_limit=_OUTPUT)
        seen = found(target, printed.stdout)
        return _outcome(attack, grader.grade(task, attack.patch(target), root=root), seen)


def _outcome(attack: Attack, reward: Reward, evidence: tuple[str, ...]) -> Outcome:
    masked = reward.failure is not None and attack.may_fail and reward.failure.policy_could_cause
    return Outcome(
        attack=attack.name,
        score=reward.score,
        tampering=reward.tampering,
        ignored=reward.ignored[:20],
        evidence=evidence,
        failure=reward.failure,
        stopped=(reward.score == 0 or masked) and not evidence,
        needs_seal=attack.needs_seal,
        duration=reward.duration,
    )
