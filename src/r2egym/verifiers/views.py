"""What a verifier may see of an attempt.

A :class:`Candidate` has no field for a reward, a hidden test, what graders printed, or the gold patch, and is made of those
fields of a trajectory alone that an agent had before it or wrote itself. Verifiers get candidates, never trajectories.
"""

from __future__ import annotations

from r2egym.records import Record, Trajectory


class Turn(Record):
    """One step of the interaction."""

    number: int
    """From 1."""
    thought: str
    action: str
    """The call as text."""
    observation: str


class Candidate(Record):
    """One attempt, without what is known of it after the fact."""

    instance_id: str
    attempt: int
    identity: str
    task_hash: str
    statement: str
    """What the agent was asked."""
    turns: tuple[Turn, ...]
    patch: str


def view_of(trajectory: Trajectory) -> Candidate:
    """What a verifier may see of a trajectory."""
    return Candidate(
        instance_id=trajectory.instance_id,
        attempt=trajectory.attempt,
        identity=trajectory.identity,
        task_hash=trajectory.task_hash,
        statement=trajectory.problem_statement,
        turns=tuple(
            Turn(number=number, thought=step.thought, action=step.action, observation=step.observation)
            for number, step in enumerate(trajectory.trajectory_steps, 1)
        ),
        patch=trajectory.output_patch,
    )
