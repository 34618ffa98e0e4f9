"""Several runs at the same tasks as one: attempts of different agents, models or settings, to choose among.

The new run's folder is like any other. An attempt keeps what it was and gets a number of its own, with an identity that is made
of its old one, so that gathering the same again changes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from pydantic import JsonValue

from r2egym.errors import UsageError
from r2egym.records import content_hash
from r2egym.rollouts import Ledger
from r2egym.verifiers.runs import read_configuration, read_trajectories


def gather(runs: Sequence[Path], folder: Path) -> int:
    """Write the attempts of some runs to one run's folder, in the order of the runs.

    Args:
        runs: their folders; all of them ran on the same dataset.
        folder: the new run's; made when it is not there.

    Returns:
        How many attempts it has.

    Raises:
        UsageError: the runs are of different datasets, or the folder holds another run.
        DatasetError: one of them is no run.
    """
    configurations = [read_configuration(run) for run in runs]
    datasets = {str(one.get("dataset")) for one in configurations}
    if len(datasets) != 1:
        raise UsageError(f"gather takes runs on one dataset, not on {', '.join(sorted(datasets)) or 'none'}")
    terms: dict[str, JsonValue] = {"gathered": [content_hash(one.get("terms")) for one in configurations]}
    numbers: Counter[str] = Counter()
    with Ledger(folder, {"dataset": datasets.pop(), "terms": terms}) as ledger:
        for place, run in enumerate(runs):
            for trajectory in read_trajectories(run):
                number = numbers[trajectory.instance_id]
                numbers[trajectory.instance_id] += 1
                identity = content_hash({"gathered": trajectory.identity, "run": place})
                lease, _ = ledger.claim(identity)
                ledger.finish(trajectory.model_copy(update={"attempt": number, "identity": identity}), lease)
    return sum(numbers.values())
