"""What a model did in a run, apart from its rewards: are its turns calls, do they run, are they recited by heart.

Counts of turns, no judgement.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from r2egym.verifiers.runs import read_trajectories


@dataclass(frozen=True)
class Behaviour:
    """Counts over the turns of a run."""

    attempts: int
    solved: int
    """Attempts with reward 1."""
    turns: int
    well_formed: int
    """Turns that hold a call which needed no repair."""
    ran: int
    """Turns whose call was run, and exited with 0 where it was a command."""
    recited: int
    """Turns that are, letter by letter, the lesson's turn at that task and step."""

    @staticmethod
    def heading() -> str:
        """Of a table of these."""
        return f"{'solved':>8} {'turns':>6} {'well-formed':>12} {'ran':>7} {'recited':>8}"

    def __str__(self) -> str:
        def share(part: int) -> str:
            return f"{100 * part / self.turns:.0f}%" if self.turns else "-"

        solved = f"{self.solved}/{self.attempts}"
        parts = f"{share(self.well_formed):>12} {share(self.ran):>7} {share(self.recited):>8}"
        return f"{solved:>8} {self.turns:>6} {parts}"


def behaviour_of(run: Path, names: set[str], lessons: Mapping[str, Sequence[str]]) -> Behaviour:
    """Of the attempts at some tasks."""
    counts = dict.fromkeys(("attempts", "solved", "turns", "well_formed", "ran", "recited"), 0)
    for trajectory in read_trajectories(run):
        if trajectory.instance_id not in names or trajectory.masked:
            continue
        counts["attempts"] += 1
        counts["solved"] += trajectory.reward == 1.0
        told = lessons.get(trajectory.instance_id, ())
        for number, step in enumerate(trajectory.trajectory_steps):
            said = "\n\n".join(part for part in (step.thought, step.action) if part)
            good = step.call is not None and not step.call.broken and not step.repairs
            counts["turns"] += 1
            counts["well_formed"] += good
            counts["ran"] += good and not step.info.get("refused") and step.exit_code in {None, 0}
            counts["recited"] += number < len(told) and said == told[number]
    return Behaviour(**counts)
