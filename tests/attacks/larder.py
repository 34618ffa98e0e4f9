"""Three tasks of the bundled repository, in the styles that cheats are made for, and the real grader for them.

The tasks are put together from what is written down about each commit, so nothing has to be mined or proved first.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.attacks.wares import git

from r2egym.attacks import Attack, Outcome, judge
from r2egym.building import Builder, Built
from r2egym.demo import Demo, unpack
from r2egym.grading import GradeOptions, Grader
from r2egym.mining import Repository, is_test_path
from r2egym.records import HiddenFile, HiddenTests, Task, TestStatus
from r2egym.sandboxes.base import Backend

SUBJECTS = {
    "functions": "Know units by all their names",
    "unittest": "Count December among the winter months",
    "raises": "Weigh honey by the spoon",
}
"""Style of hidden tests → subject of the fix."""
OPTIONS = GradeOptions(timeout=20, test_timeout=10)


class _OpenBuilder(Builder):
    """A builder for tasks of one repository, which is open already."""

    repository: Repository

    def for_task(self, task: Task, root: Path | None) -> Built:  # noqa: ARG002 - a builder's signature
        """The environment of a task."""
        return self.rebuild(self.repository, task.base_commit, task.environment)


@dataclass(frozen=True)
class Larder:
    """The repository, its tasks by style, and what grades them."""

    repository: Repository
    tasks: dict[str, Task]
    built: dict[str, Built]
    backend: Backend
    grader: Grader

    def judge(self, attack: Attack, style: str | None = None) -> Outcome:
        """Let an attack loose on the task in the style that it is made for, or in ``style``."""
        name = style or (attack.suite if attack.suite in self.tasks else "functions")
        return judge(
            attack,
            self.tasks[name],
            repository=self.repository,
            sandbox=self.built[name].config(),
            backend=self.backend,
            grader=self.grader,
        )


@contextmanager
def open_larder(folder: Path, home: Path, backend: Backend) -> Iterator[Larder]:
    """Unpack the bundled repository and build the environments of the three tasks."""
    demo = unpack(folder)
    repository = Repository.open(demo.repository, home)
    with _OpenBuilder(home, backend=backend, index=demo.index) as builder:
        builder.repository = repository
        commits = {outcome.subject: outcome.commit for outcome in demo.outcomes.values()}
        built, tasks = {}, {}
        for style, subject in SUBJECTS.items():
            fix = commits[subject]
            base = repository.commit(fix).parents[0]
            built[style] = builder.build(repository, base)
            tasks[style] = _task(demo, repository, built[style], fix)
        yield Larder(repository, tasks, built, backend, Grader(builder, backend, OPTIONS))


def _task(demo: Demo, repository: Repository, built: Built, fix: str) -> Task:
    """A row for the fix, of what is written down about it."""
    base = built.base_commit
    changed = sorted(repository.changed_paths(base, fix))
    tests = [path for path in changed if is_test_path(path)]
    outcome = demo.outcomes[fix]
    files = [(path, repository.read(fix, path)) for path in tests]
    return Task(
        instance_id=f"larder__{fix[:12]}",
        repo="larder",
        base_commit=base,
        fix_commit=fix,
        patch=_diff(demo, base, fix, [path for path in changed if path not in tests]),
        test_patch=_diff(demo, base, fix, tests),
        fail_to_pass=outcome.fail_to_pass,
        pass_to_pass=outcome.pass_to_pass,
        gold_statuses=dict.fromkeys((*outcome.fail_to_pass, *outcome.pass_to_pass), TestStatus.PASSED),
        environment=built.environment,
        hidden_tests=HiddenTests(
            files=tuple(
                HiddenFile(path=path, content=content.decode()) for path, content in files if content
            ),
            modules=tuple(path for path, content in files if content),
        ),
    )


def _diff(demo: Demo, base: str, fix: str, paths: list[str]) -> str:
    return git(demo.repository, "diff", "--binary", "--full-index", "--no-renames", base, fix, "--", *paths)
