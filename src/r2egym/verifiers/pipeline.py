"""From a run to predictions in one call: verify, choose, write."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from r2egym.environment import Facilities
from r2egym.llm import Model
from r2egym.tasks import Dataset
from r2egym.verifiers.execution import ExecutionOptions
from r2egym.verifiers.judge import JudgeOptions
from r2egym.verifiers.select import Choice, select_run, write_predictions
from r2egym.verifiers.suite import TestFile
from r2egym.verifiers.verify import CaseVerifier, ExecutionVerifier, JudgeVerifier, Report, verify_run


def verify_and_select(
    run: Path,
    dataset: Dataset,
    facilities: Facilities,
    out: Path,
    *,
    tests: Mapping[str, tuple[TestFile, ...]] | None = None,
    judge: Model | None = None,
    judging: JudgeOptions | None = None,
    execution: ExecutionOptions | None = None,
    jobs: int = 2,
    seed: int = 0,
    report: Report | None = None,
) -> list[Choice]:
    """Verify a run by execution, and by a judge where there is one; choose (hybrid, else execution), and write predictions.

    Args:
        run: its folder; verdicts are added to it, those that are there are not made again.
        dataset: what it ran on.
        facilities: where sandboxes come from.
        out: the file of predictions.
        tests: generated tests by task; None: regression tests alone.
        judge: a model, asked about every attempt.
        judging: how it is asked.
        execution: bounds of the tests.
        jobs: tasks, or attempts, worked on at once.
        seed: settles ties.
        report: is told of progress, of each verifier from its beginning.

    Raises:
        UsageError: another process verifies the run.
        DatasetError: the folder holds no run, or one on other tasks.
    """
    verifiers: list[CaseVerifier] = [ExecutionVerifier(facilities, dataset, tests or {}, execution)]
    if judge is not None:
        verifiers.append(JudgeVerifier(judge, judging))
    for verifier in verifiers:
        for _ in verify_run(run, verifier, jobs=jobs, report=report):
            pass
    choices = select_run(run, "execution" if judge is None else "hybrid", seed=seed)
    write_predictions(choices, out)
    return choices
