"""What candidates are worked on with, and the runs of their tests on both sides.

A *side* is a git tree: the base commit's or the fix commit's files with the test side of the fix in place. Its objects
live in a folder of ours; the repository is never written to.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from r2egym.building import Builder, Built, Collected
from r2egym.building.missing import missing_projects
from r2egym.building.objects import Objects
from r2egym.building.trees import Change, edited_tree, write_object
from r2egym.curation.funnel import NotATaskError
from r2egym.curation.installs import Installs
from r2egym.curation.testgen import TestWriter
from r2egym.errors import GraderError, TaskError
from r2egym.grading import Grader
from r2egym.mining import Repository
from r2egym.records import Environment, HiddenTests, Recipe, Record, Reward, Task, TestStatus
from r2egym.sandboxes.base import Backend
from r2egym.testing import TestRun, run_tests

TIME_ZONES = ("UTC0", "<+14>-14", "<-0330>3:30", "<+0545>-5:45", "<-11>11")
"""The runs of a side take turns. Spelled out, so that they hold where the system has no table of time zones."""


class Options(Record):
    """How hard candidates are tried. Part of what identifies an outcome: a rerun with others starts over."""

    runs: int = 3
    """Fresh runs a side that must agree, the graded one among them; two at least."""
    history: Literal["past", "none"] = "past"
    """What the environment's ``.git`` holds: the base's past, or one commit."""
    timeout: float = 600.0
    """Seconds for one run of a side's tests."""
    test_timeout: float = 60.0
    """Seconds for one test."""
    seal: bool = True
    """Whether sealed runs tell how strongly the answers of each task are withheld, and judge the cheats that pass."""
    attacks: bool = True
    """Whether the known cheats are tried on every task."""


class CancelledError(TaskError):
    """The work was stopped from outside; nothing is known of the candidate."""


def stop_if(cancelled: Callable[[], bool]) -> None:
    """Stop here when that was asked for. Raises CancelledError."""
    if cancelled():
        raise CancelledError("stopped before it was done")


class UngradableError(GraderError):
    """There is no reward, and what was graded may be why."""


class OpenBuilder(Builder):
    """A builder for the tasks of one repository that is open already, and need not be fetched or unbundled."""

    repository: Repository | None = None

    def for_task(self, task: Task, root: Path | None) -> Built:
        """The environment of a task; ``root`` is not needed."""
        if self.repository is None:
            return super().for_task(task, root)
        return self.rebuild(self.repository, task.base_commit, task.environment)


@dataclass(frozen=True)
class Workshop:
    """The machinery of one curation."""

    repository: Repository
    builder: Builder
    backend: Backend
    grader: Grader
    options: Options
    scratch: Path
    """A folder for what a candidate needs while it is worked on."""
    cancelled: Callable[[], bool] = bool
    """Whether to stop before the next run."""
    tester: TestWriter | None = None
    """Writes tests for fixes that have none; None: such fixes are turned away."""
    installs: Installs | None = None
    """Helps where discovery fails; None: nobody does."""

    @contextmanager
    def folder(self) -> Iterator[Path]:
        """A temporary folder, gone after the block."""
        self.scratch.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.scratch, prefix=f"curate-{os.getpid()}-") as name:
            yield Path(name)

    def side(self, commit: str, tests: str, hidden: HiddenTests) -> Path:
        """A layer with the files of ``commit``, and the hidden tests: as they are in the commit ``tests``, or as written."""
        entries = self.repository.tree(tests)
        changes: dict[bytes, Change] = {os.fsencode(path): None for path in hidden.deleted}
        with self.folder() as place:
            for file in hidden.files:
                entry = entries.get(file.path)
                if entry is not None:
                    changes[os.fsencode(file.path)] = (entry.mode, entry.oid)
                else:  # no commit has it: a model wrote it
                    changes[os.fsencode(file.path)] = (
                        0o100644,
                        write_object("blob", file.content.encode(), place),
                    )
            tree = edited_tree(
                Objects(self.repository.path), self.repository.commit(commit).tree, changes, place
            )
            return self.builder.tree_layer(self.repository, tree, objects=place)

    def build(
        self,
        base: str,
        fix: str,
        gold: Path,
        hidden: HiddenTests,
        *,
        recipe: Recipe | None = None,
        check: Callable[[Built], object] = lambda _: None,
    ) -> tuple[Built, TestRun]:
        """The environment of a commit in which the most hidden tests pass on the fix's side, and that run of them.

        Args:
            base: the commit.
            fix: the fix.
            gold: layer of the fix's side.
            hidden: the tests.
            recipe: tried instead of what can be discovered.
            check: asked of every environment before its tests run; raises BuildError.

        Raises:
            BuildError: there is none.
            NotATaskError: the tests do not end in time (stage ``classify``).
        """
        runs: list[tuple[Environment, TestRun]] = []
        own = {part.removesuffix(".py") for path in self.repository.tree(fix) for part in path.split("/")}

        def judge(built: Built) -> Collected:
            check(built)
            run = self.run(built, gold, hidden, 0)
            if run.exec.timed_out:
                raise NotATaskError("classify", "fix-times-out", "the tests of the fix do not end in time")
            runs.append((built.environment, run))
            passed = sum(status is TestStatus.PASSED for status in run.statuses.values())
            bad = sum(status in {TestStatus.FAILED, TestStatus.ERROR} for status in run.statuses.values())
            trouble = bad + sum(place not in run.statuses for place in run.messages) + (not run.complete)
            missing = missing_projects(run.messages.values(), own)
            return Collected(tests=passed, errors=trouble or not passed, missing=missing)

        built = self.builder.build(
            self.repository, base, judge=judge, near=hidden.modules, fix=fix, recipe=recipe
        )
        return built, next(run for environment, run in runs if environment == built.environment)

    def run(
        self,
        built: Built,
        tree: Path,
        hidden: HiddenTests,
        number: int,
        *,
        test_timeout: float | None = None,
    ) -> TestRun:
        """Run the test modules on a side, in a fresh sandbox; ``number`` chooses hash seed, order and time zone."""
        self.check()
        config = built.config(history=self.options.history, tree=tree)
        zone = TIME_ZONES[number % len(TIME_ZONES)]
        return run_tests(
            self.backend,
            config.model_copy(update={"env": {**config.env, "TZ": zone}}),
            built.environment.recipe,
            hidden.modules,
            timeout=self.options.timeout,
            test_timeout=test_timeout or self.options.test_timeout,
            seed=number,
        )

    def check(self) -> None:
        """Stop here when that was asked for. Raises CancelledError."""
        stop_if(self.cancelled)

    def grade(self, task: Task, patch: str, *, root: Path | None = None) -> Reward:
        """One reward.

        Raises:
            UngradableError: there is none, and the tests themselves may be why (they hang, say).
            GraderError: there is none, for a fault of the machinery.
        """
        self.check()
        reward = self.grader.grade(task, patch, root=root)
        if reward.failure is not None:
            kind = UngradableError if reward.failure.policy_could_cause else GraderError
            raise kind(f"{task.instance_id}: {reward.failure.boundary}: {reward.failure.cause}")
        return reward

    def fresh(self) -> Workshop:
        """The same, with a grader that knows nothing yet: it compiles a task's tests anew."""
        return replace(self, grader=Grader(self.builder, self.backend, self.grader.options))
