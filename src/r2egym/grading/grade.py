"""``grade(task, patch) → Reward``: a fresh sandbox, hidden tests compiled, every result held against its twin.

A reward of 0 says that the patch does not solve the task. What the machinery did wrong is a
:class:`~r2egym.records.Failure` and no reward at all. A time limit, an end by SIGKILL or a lost sandbox may be either:
then gold, as a control on the same machine, decides.
"""

from __future__ import annotations

import os
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from threading import Lock

from r2egym.building import Builder
from r2egym.building.published_images import image_of
from r2egym.errors import R2EGymError, RepositoryError, SandboxError, SandboxStartError, UsageError
from r2egym.grading.assemble import PatchDoesNotApplyError, graded_tree
from r2egym.grading.controls import Control, Prepared, Slot, prepare, task_key
from r2egym.grading.image_rows import ImageGrader
from r2egym.grading.rule import Doubts, expected, loss, printable, reward_of, zero
from r2egym.grading.surface import divide
from r2egym.mining import FilePatch, PatchError, parse_patch
from r2egym.records import Failure, Record, Reward, Task
from r2egym.sandboxes.base import Backend
from r2egym.testing import TestRun, run_compiled

_REMEMBERED = 64
"""Tasks whose compiled tests are kept in memory."""
_LONGEST_NAME = 255
_LONGEST_PATH = 2048
"""Bytes; layers lie in folders of their own, whose names count too."""


class GradeOptions(Record):
    """How grading is done."""

    timeout: float = 900.0
    """Wall seconds for one run of a task's tests and their twins."""
    test_timeout: float = 60.0
    """Wall seconds for one test."""
    seal: bool = False
    """Whether a second run, in which expected values never enter, must agree. This version has none: leave it off."""


class _HopelessError(Exception):
    """The patch cannot be graded for a reason of its own, so it scores 0."""


class Grader:
    """Grades patches; safe for threads. What it learns of a task it keeps until the task is long out of use."""

    def __init__(self, builder: Builder, backend: Backend, options: GradeOptions | None = None) -> None:
        """Nothing is done yet.

        Args:
            builder: makes the environments and the trees.
            backend: where tests run.
            options: None: the defaults.
        """
        self.options = options or GradeOptions()
        if self.options.seal:
            raise UsageError("this version has no sealed run: grade without it")
        self._builder = builder
        self._backend = backend
        self._slots: OrderedDict[str, Slot] = OrderedDict()
        self._mutex = Lock()
        self._images = ImageGrader(backend, builder.store.home, self.options.timeout)

    def grade(self, task: Task, patch: str, *, root: Path | None = None) -> Reward:
        """Grade one patch on one task.

        Args:
            task: the row.
            patch: what ``git diff`` printed; anything else scores 0 and ``note`` says why.
            root: the dataset's folder, when the row leads to files in it.

        Returns:
            A reward; one with ``failure`` set when the machinery broke. Nothing that a patch does raises.
        """
        started = time.monotonic()
        try:
            reward = self._grade(task, patch, root)
        except R2EGymError as error:
            reward = _failed(task, error.boundary, str(error))
        except OSError as error:
            reward = _failed(task, "grader", f"{type(error).__name__}: {error}")
        return reward.model_copy(update={"duration": time.monotonic() - started})

    def twinless(self, task: Task, *, root: Path | None = None) -> tuple[str, ...]:
        """Ids of test functions whose twins run into their time limit on gold: for ``HiddenTests.twinless``.

        Costs nothing after gold was graded, for it then serves as the control already.

        Raises:
            R2EGymError: the machinery failed.
        """
        return self._control(self._prepared(task, root), task, Control.GOLD).twins_slow

    def twinned(self, task: Task, *, root: Path | None = None) -> tuple[str, ...]:
        """The F2P tests of which a twin fails on gold, so that a forged pass of them can be noticed.

        Costs nothing after gold was graded. Raises R2EGymError: the machinery failed.
        """
        gold = self._control(self._prepared(task, root), task, Control.GOLD)
        return tuple(test for test in task.fail_to_pass if test in gold.twins_failed)

    def _grade(self, task: Task, patch: str, root: Path | None) -> Reward:
        if image_of(task):
            return self._grade_in_image(task, patch)
        prepared = self._prepared(task, root)
        try:
            surface = divide(parse_patch(patch), is_link=prepared.links.__contains__, hidden=prepared.places)
        except (PatchError, RecursionError) as error:
            return zero(task, note=str(error)[:500])
        try:
            if surface.ignored and not surface.applied:
                run = self._control(prepared, task, Control.EMPTY)  # what is left is the empty patch
            else:
                run = self._run(prepared, task, surface.applied)
        except _HopelessError as error:
            return zero(task, note=str(error)[:500], ignored=surface.ignored)
        except SandboxStartError:
            raise
        except SandboxError as error:
            if not self._holds(prepared, task):
                raise
            return zero(task, note=f"the sandbox was lost twice: {error}"[:500], ignored=surface.ignored)
        if run.complete and patch in {task.patch, ""}:
            prepared.controls.setdefault(Control.GOLD if patch else Control.EMPTY, run)
        doubts = self._doubts(prepared, task, run)
        cause = loss(task, run)
        note = cause or ("" if patch.strip() else "the patch is empty")
        reward = reward_of(task, run, doubts, ignored=surface.ignored, note=note)
        if cause and not reward.resolved and not self._holds(prepared, task):
            return _failed(task, "grader", f"{cause}, and gold does not pass either", provoked=True)
        return reward

    def _grade_in_image(self, task: Task, patch: str) -> Reward:
        """Grade a row that names an image and holds no environment."""
        try:
            return self._images.grade(task, patch)
        except (PatchError, RecursionError) as error:
            return zero(task, note=str(error)[:500])

    def _doubts(self, prepared: Prepared, task: Task, run: TestRun) -> Doubts:
        """What contradicts itself in a run, and does so in neither control."""
        doubts = Doubts(task, run)
        for control in (Control.GOLD, Control.EMPTY):
            if doubts.any:
                doubts.explain(self._control(prepared, task, control))
        return doubts

    # --- runs ---

    def _run(self, prepared: Prepared, task: Task, parts: tuple[FilePatch, ...]) -> TestRun:
        """Run the compiled tests on the patched source. A sandbox that breaks under it is tried once more."""
        if bad := next((path for part in parts for path in part.paths if not _can_exist(path)), None):
            raise _HopelessError(f"no file can have a path like {bad[:80]}…")
        with self._tree(prepared, task, parts) as tree:
            try:
                return self._attempt(prepared, task, tree)
            except SandboxStartError:
                raise
            except SandboxError:
                return self._attempt(prepared, task, tree)

    def _attempt(self, prepared: Prepared, task: Task, tree: Path) -> TestRun:
        recipe = task.environment.recipe
        return run_compiled(
            self._backend,
            prepared.built.config(history="absent", writable=recipe.writable_source, tree=tree),
            recipe,
            prepared.compiled,
            timeout=self.options.timeout,
            test_timeout=self.options.test_timeout,
        )

    @contextmanager
    def _tree(self, prepared: Prepared, task: Task, parts: tuple[FilePatch, ...]) -> Iterator[Path]:
        def assemble(some: tuple[FilePatch, ...]) -> AbstractContextManager[Path]:
            built = prepared.built
            return graded_tree(self._builder, built.repository, prepared.base_tree, some, task.hidden_tests)

        with ExitStack() as stack:
            try:
                tree = stack.enter_context(assemble(parts))
            except PatchDoesNotApplyError as error:
                raise _HopelessError(f"the patch does not apply: {error}") from None
            except RepositoryError as error:
                with assemble(
                    ()
                ):  # a broken repository fails without the patch too, and then that error stands
                    raise _HopelessError(str(error)) from None
            yield tree

    def _control(self, prepared: Prepared, task: Task, control: Control) -> TestRun:
        with prepared.lock:
            if control not in prepared.controls:
                parts = parse_patch(task.patch, max_bytes=1 << 30) if control is Control.GOLD else ()
                surface = divide(parts, is_link=prepared.links.__contains__, hidden=prepared.places)
                prepared.controls[control] = self._run(prepared, task, surface.applied)
            return prepared.controls[control]

    def _holds(self, prepared: Prepared, task: Task) -> bool:
        """Whether gold passes on this grader."""
        gold = self._control(prepared, task, Control.GOLD)
        return gold.complete and all(gold.statuses.get(test) == "PASSED" for test in expected(task))

    # --- what grades of one task share ---

    def _prepared(self, task: Task, root: Path | None) -> Prepared:
        key = task_key(task, root)
        with self._mutex:
            slot = self._slots.setdefault(key, Slot())
            self._slots.move_to_end(key)
            while len(self._slots) > _REMEMBERED:
                self._slots.popitem(last=False)
        with slot.lock:
            if slot.prepared is None:
                slot.prepared = prepare(self._builder, self._backend, task, root)
            return slot.prepared


def _can_exist(path: str) -> bool:
    longest = max(len(os.fsencode(part)) for part in path.split("/"))
    return longest <= _LONGEST_NAME and len(os.fsencode(path)) <= _LONGEST_PATH


def _failed(task: Task, boundary: str, cause: str, *, provoked: bool = False) -> Reward:
    known = {"task": "task", "sandbox": "sandbox"}.get(boundary, "grader")
    failure = Failure.model_validate(
        {
            "boundary": known,
            "cause": printable(cause).partition("\n")[0][:500],
            "policy_could_cause": provoked,
        }
    )
    return Reward(instance_id=task.instance_id, resolved=None, score=None, failure=failure)
