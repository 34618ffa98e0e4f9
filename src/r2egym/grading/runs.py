"""The runs behind a reward: hidden tests, compiled or sealed, on the base commit with a patch applied."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import TypeVar

from r2egym.building import Builder
from r2egym.errors import RepositoryError, SandboxError, SandboxStartError
from r2egym.grading.assemble import PatchDoesNotApplyError, graded_tree
from r2egym.grading.controls import Control, Prepared
from r2egym.grading.rule import expected
from r2egym.grading.surface import divide
from r2egym.mining import FilePatch, parse_patch
from r2egym.records import Record, Task
from r2egym.sandboxes.base import Backend, SandboxConfig
from r2egym.testing import CompiledTests, SealedRun, TestRun, run_compiled, run_sealed

_LONGEST_NAME = 255
_LONGEST_PATH = 2048
"""Bytes; layers lie in folders of their own, whose names count too."""
_Run = TypeVar("_Run")


class GradeOptions(Record):
    """How grading is done."""

    timeout: float = 900.0
    """Wall seconds for one run of a task's tests and their twins."""
    test_timeout: float = 60.0
    """Wall seconds for one test, at most; a row may say less."""
    seal: bool = False
    """Whether a second run, in which expected values never enter, must agree with a first one that says 1."""


class HopelessError(Exception):
    """The patch cannot be graded for a reason of its own, so it scores 0."""


class Runs:
    """Runs tests of prepared tasks in fresh sandboxes; safe for threads."""

    def __init__(self, builder: Builder, backend: Backend, options: GradeOptions) -> None:
        self.backend = backend
        self.options = options
        self._builder = builder

    def compiled(self, prepared: Prepared, task: Task, parts: tuple[FilePatch, ...]) -> TestRun:
        """Run A: the compiled tests and their twins. Raises HopelessError or SandboxError."""
        return self._on_tree(
            prepared,
            task,
            parts,
            lambda config: run_compiled(
                self.backend,
                config,
                task.environment.recipe,
                prepared.compiled,
                timeout=self.options.timeout,
                test_timeout=self._patience(task),
            ),
        )

    def sealed(
        self, prepared: Prepared, task: Task, parts: tuple[FilePatch, ...], compiled: CompiledTests
    ) -> SealedRun:
        """Run B: the sealed tests. Raises HopelessError or SandboxError."""
        return self._on_tree(
            prepared,
            task,
            parts,
            lambda config: run_sealed(
                self.backend,
                config,
                prepared.built.config(history="absent", writable=False),
                task.environment.recipe,
                compiled,
                timeout=self.options.timeout,
                test_timeout=self._patience(task),
            ),
            compiled.helpers,
        )

    def _patience(self, task: Task) -> float:
        """Seconds for one test: what was proved is proved with the row's, so that a slow test is the same test here."""
        return min(self.options.test_timeout, task.validation.patience or self.options.test_timeout)

    def _on_tree(
        self,
        prepared: Prepared,
        task: Task,
        parts: tuple[FilePatch, ...],
        run: Callable[[SandboxConfig], _Run],
        helpers: tuple[str, ...] = (),
    ) -> _Run:
        """Run something on the patched source. A sandbox that breaks under it is tried once more."""
        if bad := next((path for part in parts for path in part.paths if not _can_exist(path)), None):
            raise HopelessError(f"no file can have a path like {bad[:80]}…")
        writable = task.environment.recipe.writable_source
        with self._tree(prepared, task, parts, helpers) as tree:
            config = prepared.built.config(history="absent", writable=writable, tree=tree)
            try:
                return run(config)
            except SandboxStartError:
                raise
            except SandboxError:
                return run(config)

    @contextmanager
    def _tree(
        self, prepared: Prepared, task: Task, parts: tuple[FilePatch, ...], helpers: tuple[str, ...]
    ) -> Iterator[Path]:
        hidden = task.hidden_tests
        hidden = hidden.model_copy(update={"modules": (*hidden.modules, *helpers)})

        def assemble(some: tuple[FilePatch, ...]) -> AbstractContextManager[Path]:
            built = prepared.built
            return graded_tree(self._builder, built.repository, prepared.base_tree, some, hidden)

        with ExitStack() as stack:
            try:
                tree = stack.enter_context(assemble(parts))
            except PatchDoesNotApplyError as error:
                raise HopelessError(f"the patch does not apply: {error}") from None
            except RepositoryError as error:
                with assemble(
                    ()
                ):  # a broken repository fails without the patch too, and then that error stands
                    raise HopelessError(str(error)) from None
            yield tree

    # --- controls ---

    def control(self, prepared: Prepared, task: Task, control: Control) -> TestRun:
        """Run A of a patch whose outcome is known; kept."""
        with prepared.lock:
            if control not in prepared.controls:
                parts = parts_of(prepared, task, control)
                prepared.controls[control] = self.compiled(prepared, task, parts)
            return prepared.controls[control]

    def holds(self, prepared: Prepared, task: Task) -> bool:
        """Whether gold passes on this grader."""
        gold = self.control(prepared, task, Control.GOLD)
        return gold.complete and all(gold.statuses.get(test) == "PASSED" for test in expected(task))


def parts_of(prepared: Prepared, task: Task, control: Control) -> tuple[FilePatch, ...]:
    """What a control applies."""
    parts = parse_patch(task.patch, max_bytes=1 << 30) if control is Control.GOLD else ()
    return divide(parts, is_link=prepared.links.__contains__, hidden=prepared.places).applied


def _can_exist(path: str) -> bool:
    longest = max(len(os.fsencode(part)) for part in path.split("/"))
    return longest <= _LONGEST_NAME and len(os.fsencode(path)) <= _LONGEST_PATH
