"""What all grades of one task share: its environment, its compiled tests, and the runs that serve as controls."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from threading import Lock, RLock

from r2egym.building import Builder, Built
from r2egym.grading.surface import is_control_path
from r2egym.records import Calibration, Strength, Task, content_hash
from r2egym.sandboxes.base import Backend
from r2egym.testing import CompiledTests, SealedRun, TestRun, compile_tests

_LINKS = frozenset({0o120000, 0o160000})


class Control(StrEnum):
    """A patch whose outcome is known, run on the same grader with the same compiled tests."""

    GOLD = "gold"
    EMPTY = "empty"


@dataclass
class Prepared:
    """One task, ready to be graded. The compiled tests are secret; they live in memory only."""

    built: Built
    base_tree: str
    links: frozenset[str]
    """Paths of the base commit that are symbolic links or submodules."""
    places: frozenset[str]
    """Paths that the graders put in place or take away."""
    compiled: CompiledTests
    kept: frozenset[str] = frozenset()
    """Paths of the base commit's files that no patch can touch, links left out."""
    lock: Lock = field(default_factory=Lock)
    controls: dict[Control, TestRun] = field(default_factory=dict)
    seal: Seal | None = None
    """Sealed tests and what they are held against; made when first needed."""
    sealed_gold: SealedRun | None = None
    seal_lock: RLock = field(default_factory=RLock)


@dataclass(frozen=True)
class Seal:
    """A task's sealed tests. Secret, like the compiled tests."""

    compiled: CompiledTests
    calibration: Calibration
    strengths: dict[str, Strength]


@dataclass
class Slot:
    """The place of a task among those remembered; whoever comes first prepares it."""

    lock: Lock = field(default_factory=Lock)
    prepared: Prepared | None = None


def task_key(task: Task, root: Path | None) -> str:
    """Identity of everything that :func:`prepare` and the controls depend on."""
    return content_hash(
        {
            "base": task.base_commit,
            "environment": task.environment.model_dump(mode="json"),
            "hidden": task.hidden_tests.model_dump(mode="json"),
            "gold": task.patch,
            "patience": task.validation.patience,
            "tests": [*task.fail_to_pass, "", *task.pass_to_pass],
            "root": str(root),
        }
    )


def prepare(builder: Builder, backend: Backend, task: Task, root: Path | None) -> Prepared:
    """Build the task's environment and compile its tests. Raises TaskError, SandboxError or GraderError."""
    built = builder.for_task(task, root)
    entries = built.repository.tree(task.base_commit)
    hidden = task.hidden_tests
    links = frozenset(path for path, entry in entries.items() if entry.mode in _LINKS)
    return Prepared(
        built=built,
        base_tree=built.repository.commit(task.base_commit).tree,
        links=links,
        places=frozenset({*(file.path for file in hidden.files), *hidden.modules, *hidden.deleted}),
        compiled=_compile(backend, built, task),
        kept=frozenset(filter(is_control_path, entries)) - links,
    )


def redraw(backend: Backend, prepared: Prepared, task: Task) -> Prepared:
    """The same with the tests compiled anew: other names, other twins. Raises as :func:`prepare`."""
    compiled = _compile(backend, prepared.built, task)
    return replace(prepared, compiled=compiled, lock=Lock(), controls={}, seal_lock=RLock())


def _compile(backend: Backend, built: Built, task: Task) -> CompiledTests:
    return compile_tests(
        backend,
        built.config(history="absent", writable=False),
        task.environment.recipe,
        task.hidden_tests,
        important=task.fail_to_pass,
    )
