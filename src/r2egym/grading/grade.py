"""``grade(task, patch) → Reward``: a fresh sandbox, hidden tests compiled, every result held against its twin.

A reward of 0 says that the patch does not solve the task. What the machinery did wrong is a
:class:`~r2egym.records.Failure` and no reward at all. A time limit, an end by SIGKILL or a lost sandbox may be either:
then gold, as a control on the same machine, decides.
"""

from __future__ import annotations

import copy
import time
from collections import OrderedDict
from pathlib import Path
from threading import Lock

from r2egym.building import Builder
from r2egym.building.published_images import image_of
from r2egym.errors import R2EGymError, SandboxError, SandboxStartError
from r2egym.grading.controls import Control, Prepared, Slot, prepare, redraw, task_key
from r2egym.grading.image_rows import ImageGrader
from r2egym.grading.rule import Doubts, believed, is_vouched, loss, printable, reward_of, zero
from r2egym.grading.runs import GradeOptions, HopelessError, Runs
from r2egym.grading.seal import LostError, Sealing
from r2egym.grading.surface import Surface, divide
from r2egym.grading.swebench import SwebenchGrader, instance_of
from r2egym.mining import FilePatch, PatchError, parse_patch
from r2egym.records import Calibration, Failure, Reward, Strength, Task
from r2egym.sandboxes.base import Backend
from r2egym.testing import TestRun

_REMEMBERED = 64
"""Tasks whose compiled tests are kept in memory."""
_REDRAWN = 3
"""How often tests are compiled anew at most, while no twin vouches for a test of which the row says that one can."""
_CALIBRATIONS = 3
"""Sealed runs of gold that must agree on a place before it is relied upon."""


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
        self._builder = builder
        self._backend = backend
        self._runs = Runs(builder, backend, self.options)
        self._sealing = Sealing(self._runs, _CALIBRATIONS)
        self._slots: OrderedDict[str, Slot] = OrderedDict()
        self._mutex = Lock()
        self._images = ImageGrader(backend, builder.store.home, self.options.timeout)
        self._swebench = SwebenchGrader(backend, builder.store.home, self.options.timeout)

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
        return self._runs.control(self._prepared(task, root), task, Control.GOLD).twins_slow

    def twinned(self, task: Task, *, root: Path | None = None) -> tuple[str, ...]:
        """The F2P tests of which a twin fails on gold, so that a forged pass of them can be noticed.

        Costs nothing after gold was graded. Raises R2EGymError: the machinery failed.
        """
        gold = self._runs.control(self._prepared(task, root), task, Control.GOLD)
        return tuple(test for test in task.fail_to_pass if test in gold.twins_failed)

    def sealing(self) -> Grader:
        """The same grader, with all that it remembers, whose rewards of 1 a sealed run must agree with."""
        other = copy.copy(self)
        other.options = self.options.model_copy(update={"seal": True})
        return other

    def hurried(self, seconds: float) -> Grader:
        """A grader that gives a test so many seconds, and a run of all not many more: for patches that may never end."""
        limits = {"test_timeout": seconds, "timeout": 3 * seconds}
        return Grader(self._builder, self._backend, self.options.model_copy(update=limits))

    def second_opinion(self, task: Task, patch: str, *, root: Path | None = None) -> Reward:
        """What a sealed run alone says of a patch, as though a first run had said 1: for trying cheats against it."""
        try:
            prepared = self._prepared(task, root)
            surface = divide(parse_patch(patch), is_link=prepared.links.__contains__, hidden=prepared.places)
            return self._sealing.agreed(prepared, task, surface.applied, believed(task))
        except (PatchError, RecursionError, HopelessError) as error:
            return zero(task, note=str(error)[:500])
        except LostError as error:
            return _failed(task, "grader", str(error), provoked=True)
        except R2EGymError as error:
            return _failed(task, error.boundary, str(error))

    def seal(self, task: Task, *, root: Path | None = None) -> tuple[Calibration, dict[str, Strength]]:
        """What sealed runs of the task are held against, and how strongly each F2P test's answer is withheld.

        Raises:
            R2EGymError: the machinery failed.
        """
        seal = self._sealing.seal(self._prepared(task, root), task)
        return seal.calibration, seal.strengths

    def _grade(self, task: Task, patch: str, root: Path | None) -> Reward:
        if image_of(task):
            return self._grade_in_image(task, patch)
        prepared = self._prepared(task, root)
        try:
            surface = divide(parse_patch(patch), is_link=prepared.links.__contains__, hidden=prepared.places)
        except (PatchError, RecursionError) as error:
            return zero(task, note=str(error)[:500])
        reward, vouched = self._by_twins(prepared, task, patch, surface)
        for _ in range(_REDRAWN):
            if vouched:
                break
            prepared = self._redrawn(prepared, task, root)
            reward, vouched = self._by_twins(prepared, task, patch, surface)
        return self._sealed(prepared, task, surface.applied, reward) if self.options.seal else reward

    def _by_twins(self, prepared: Prepared, task: Task, patch: str, surface: Surface) -> tuple[Reward, bool]:
        """What run A says, and whether twins vouch for it, as far as the row says that they can."""
        try:
            if surface.ignored and not surface.applied:
                run = self._runs.control(prepared, task, Control.EMPTY)  # what is left is the empty patch
            else:
                run = self._runs.compiled(prepared, task, surface.applied)
        except HopelessError as error:
            return zero(task, note=str(error)[:500], ignored=surface.ignored), True
        except SandboxStartError:
            raise
        except SandboxError as error:
            if not self._runs.holds(prepared, task):
                raise
            note = f"the sandbox was lost twice: {error}"[:500]
            return zero(task, note=note, ignored=surface.ignored), True
        if run.complete and patch in {task.patch, ""}:
            prepared.controls.setdefault(Control.GOLD if patch else Control.EMPTY, run)
        doubts = self._doubts(prepared, task, run)
        cause = loss(task, run)
        note = cause or ("" if patch.strip() else "the patch is empty")
        reward = reward_of(task, run, doubts, ignored=surface.ignored, note=note)
        if cause and not reward.resolved and not self._runs.holds(prepared, task):
            return _failed(task, "grader", f"{cause}, and gold does not pass either", provoked=True), True
        return reward, not reward.resolved or is_vouched(task, run)

    def _sealed(self, prepared: Prepared, task: Task, parts: tuple[FilePatch, ...], reward: Reward) -> Reward:
        """The reward, when a sealed run agrees with a first one that says 1; what it becomes, when it does not."""
        if not reward.resolved:
            return reward.model_copy(update={"seal": dict(task.validation.seal)})
        try:
            return self._sealing.agreed(prepared, task, parts, reward)
        except LostError as error:
            return _failed(task, "grader", str(error), provoked=True)

    def _grade_in_image(self, task: Task, patch: str) -> Reward:
        """Grade a row that names an image and holds no environment."""
        try:
            return (self._swebench if instance_of(task) else self._images).grade(task, patch)
        except (PatchError, RecursionError) as error:
            return zero(task, note=str(error)[:500])

    def _doubts(self, prepared: Prepared, task: Task, run: TestRun) -> Doubts:
        """What contradicts itself in a run, and does so in neither control."""
        doubts = Doubts(task, run)
        for control in (Control.GOLD, Control.EMPTY):
            if doubts.any:
                doubts.explain(self._runs.control(prepared, task, control))
        return doubts

    # --- what grades of one task share ---

    def _prepared(self, task: Task, root: Path | None) -> Prepared:
        slot = self._slot(task, root)
        with slot.lock:
            if slot.prepared is None:
                slot.prepared = prepare(self._builder, self._backend, task, root)
            return slot.prepared

    def _redrawn(self, poor: Prepared, task: Task, root: Path | None) -> Prepared:
        """The task with other twins, for this grade and those to come."""
        slot = self._slot(task, root)
        with slot.lock:
            if slot.prepared is poor or slot.prepared is None:
                slot.prepared = redraw(self._backend, poor, task)
            return slot.prepared

    def _slot(self, task: Task, root: Path | None) -> Slot:
        key = task_key(task, root)
        with self._mutex:
            slot = self._slots.setdefault(key, Slot())
            self._slots.move_to_end(key)
            while len(self._slots) > _REMEMBERED:
                self._slots.popitem(last=False)
        return slot


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
