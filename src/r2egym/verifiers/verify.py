"""Verifying a run: every attempt gets a verdict, once, by whatever verifier.

A verifier of one's own is one function from a :class:`Candidate` to a score (None: unknown), put on the list by :func:`register` or
named as ``module:function``; the highest score wins. The two that come with this package need more than a function (a model,
sandboxes, all attempts at a task at once), so they are a :class:`CaseVerifier` each.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from numbers import Real
from pathlib import Path
from typing import Protocol

from r2egym.environment import Facilities
from r2egym.errors import DatasetError, UsageError
from r2egym.jobs import Threads
from r2egym.llm import Model
from r2egym.records import Task, Verdict, content_hash
from r2egym.tasks import Dataset
from r2egym.verifiers import execution, execution_free
from r2egym.verifiers.execution import ExecutionOptions
from r2egym.verifiers.judge import JudgeOptions
from r2egym.verifiers.runs import VerdictFile, read_candidates
from r2egym.verifiers.selectors import SELECTORS
from r2egym.verifiers.suite import TestFile
from r2egym.verifiers.views import Candidate

Score = Callable[[Candidate], float | None]
Report = Callable[[int, int], None]
"""Is told how many attempts of how many have a verdict."""

VERIFIERS: dict[str, Score] = {}
"""Verifiers that are one function, by name."""


class CaseVerifier(Protocol):
    """Says something of attempts."""

    name: str
    whole_tasks: bool
    """Whether it wants the attempts at a task together."""

    def terms(self, instance_id: str) -> str:
        """Content hash of all that its verdicts on a task's attempts depend on beside them."""
        ...

    def verdicts(self, candidates: Sequence[Candidate]) -> Iterator[Verdict]:
        """One for each of some attempts at one task."""
        ...


def register(name: str, score: Score) -> None:
    """Put a verifier on the list. Raises UsageError: the name is taken."""
    if name in VERIFIERS or name in SELECTORS:
        raise UsageError(f"there is a verifier or selector called {name!r} already")
    VERIFIERS[name] = score


def find_verifier(name: str) -> CaseVerifier:
    """The verifier of a name on the list, or of ``module:function``. Raises UsageError: there is none."""
    if name in VERIFIERS:
        return ScoreVerifier(name, VERIFIERS[name])
    module, _, attribute = name.partition(":")
    if not attribute:
        known = ", ".join((execution.NAME, execution_free.NAME, *VERIFIERS))
        raise UsageError(f"no verifier is called {name!r}; there are: {known}, and module:function")
    try:
        function = getattr(importlib.import_module(module), attribute)
    except Exception as error:
        raise UsageError(f"{name}: {type(error).__name__}: {error}") from error
    if not callable(function):
        raise UsageError(f"{name} is no function")
    return ScoreVerifier(name, function)


class ScoreVerifier:
    """A function as a verifier. What it raises, or returns beside a number and None, is its author's mistake: UsageError."""

    whole_tasks = False

    def __init__(self, name: str, score: Score) -> None:
        self.name = name
        self._score = score

    def terms(self, instance_id: str) -> str:
        """Its name: what the function is made of is not looked at."""
        del instance_id
        return content_hash({"verifier": self.name})

    def verdicts(self, candidates: Sequence[Candidate]) -> Iterator[Verdict]:
        """See CaseVerifier."""
        for one in candidates:
            yield Verdict(
                instance_id=one.instance_id,
                attempt=one.attempt,
                identity=one.identity,
                verifier=self.name,
                terms=self.terms(one.instance_id),
                score=self._ask(one),
                patch=content_hash(one.patch),
            )

    def _ask(self, candidate: Candidate) -> float | None:
        where = f"{self.name} at {candidate.instance_id} #{candidate.attempt}"
        try:
            score: object = self._score(candidate)
        except Exception as error:
            raise UsageError(f"{where}: {type(error).__name__}: {error}") from error
        if score is None:
            return None
        if not isinstance(score, Real):
            raise UsageError(f"{where}: a verifier returns a number or None, not {type(score).__name__}")
        return float(score)


class JudgeVerifier:
    """The execution-free verifier."""

    name = execution_free.NAME
    whole_tasks = False

    def __init__(self, model: Model, options: JudgeOptions | None = None) -> None:
        self._model = model
        self._options = options or JudgeOptions()

    def terms(self, instance_id: str) -> str:
        """See CaseVerifier."""
        del instance_id
        return execution_free.terms_of(self._model.name, self._options)

    def verdicts(self, candidates: Sequence[Candidate]) -> Iterator[Verdict]:
        """See CaseVerifier. Raises ModelRequestError: the server refuses every question."""
        for one in candidates:
            yield execution_free.judge(one, self._model, self._options)


class ExecutionVerifier:
    """The execution-based verifier.

    Args:
        facilities: where sandboxes come from.
        dataset: the tasks that were attempted.
        tests: generated tests by task; a task without any is judged by its regression tests.
        options: bounds.
    """

    name = execution.NAME
    whole_tasks = True

    def __init__(
        self,
        facilities: Facilities,
        dataset: Dataset,
        tests: Mapping[str, tuple[TestFile, ...]],
        options: ExecutionOptions | None = None,
    ) -> None:
        self._facilities, self._root, self._tests = facilities, dataset.root, tests
        self._tasks = {task.instance_id: task for task in dataset}
        self._options = options or ExecutionOptions()

    def terms(self, instance_id: str) -> str:
        """See CaseVerifier. Raises DatasetError: there is no such task."""
        task = self._task(instance_id)
        return execution.terms_of(content_hash(task), self._tests.get(instance_id, ()), self._options)

    def verdicts(self, candidates: Sequence[Candidate]) -> Iterator[Verdict]:
        """See CaseVerifier."""
        task = self._task(candidates[0].instance_id)
        own = content_hash(task)
        for one in candidates:
            if one.task_hash and one.task_hash != own:
                raise DatasetError(
                    f"{one.instance_id}: the run attempted another version of this task; give the dataset that it ran on"
                )
        files = self._tests.get(task.instance_id, ())
        yield from execution.try_patches(self._facilities, task, self._root, candidates, files, self._options)

    def _task(self, instance_id: str) -> Task:
        try:
            return self._tasks[instance_id]
        except KeyError:
            raise DatasetError(f"{instance_id} is in the run, and not in the dataset") from None


def verify_run(
    run: Path, verifier: CaseVerifier, *, jobs: int = 2, report: Report | None = None
) -> Iterator[Verdict]:
    """Verify what a run's attempts have no verdict of yet, and append it to the run's ``verdicts.jsonl``.

    Args:
        run: its folder.
        verifier: says something of attempts.
        jobs: attempts, or tasks, worked on at once.
        report: is told of progress.

    Yields:
        New verdicts, each when it is on disk.

    Raises:
        UsageError: another process verifies the run.
        DatasetError: the folder holds no run, or a damaged one.
    """
    by_task = read_candidates(run)
    total = sum(map(len, by_task.values()))
    with VerdictFile(run) as file:
        cases: list[list[Candidate]] = []
        for name, candidates in by_task.items():
            terms = verifier.terms(name)
            left = [one for one in candidates if not file.has(one.identity, verifier.name, terms)]
            if left:
                cases += [left] if verifier.whole_tasks else [[one] for one in left]
        done = total - sum(map(len, cases))
        tell = report or (lambda _done, _total: None)
        tell(done, total)
        for verdicts in Threads(jobs).map(lambda case: list(verifier.verdicts(case)), cases, ordered=False):
            for verdict in verdicts:
                file.add(verdict)
                done += 1
                tell(done, total)
                yield verdict
