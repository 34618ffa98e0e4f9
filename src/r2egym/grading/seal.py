"""What the sealed run adds to a reward: a first run that says 1 is believed when a second one agrees.

It can only agree where gold, in sealed runs of its own, was right time after time; the row keeps what they found.
"""

from __future__ import annotations

from r2egym.errors import SandboxError, SandboxStartError
from r2egym.grading.controls import Control, Prepared, Seal
from r2egym.grading.rule import expected, loss, printable
from r2egym.grading.runs import Runs, parts_of
from r2egym.mining import FilePatch
from r2egym.records import Reward, Task, TestStatus
from r2egym.testing import SealedRun, calibrate, compile_tests, held, sealed_digest, strengths

_LINES = 50


class LostError(Exception):
    """The sealed run was lost for a reason that may be the patch's, and gold's was lost as well."""


class Sealing:
    """Sealed runs of prepared tasks. Safe for threads."""

    def __init__(self, runs: Runs, calibrations: int) -> None:
        """``calibrations``: sealed runs of gold, where the row does not tell what they find."""
        self._runs = runs
        self._calibrations = calibrations

    def seal(self, prepared: Prepared, task: Task) -> Seal:
        """The task's sealed tests, and what they are held against.

        Raises:
            R2EGymError: the machinery failed.
        """
        with prepared.seal_lock:
            if prepared.seal is None:
                prepared.seal = self._made(prepared, task)
            return prepared.seal

    def _made(self, prepared: Prepared, task: Task) -> Seal:
        compiled = compile_tests(
            self._runs.backend,
            prepared.built.config(history="absent", writable=False),
            task.environment.recipe,
            task.hidden_tests,
            mode="sealed",
            beside=prepared.kept,
        )
        told = task.validation
        if told.sites is not None and told.sites.digest == sealed_digest(compiled):
            return Seal(compiled, told.sites, dict(told.seal))
        plain = self._runs.control(prepared, task, Control.GOLD)
        gold, empty = (parts_of(prepared, task, control) for control in (Control.GOLD, Control.EMPTY))
        runs = [self._runs.sealed(prepared, task, gold, compiled) for _ in range(self._calibrations)]
        prepared.sealed_gold = runs[0]
        base = self._runs.sealed(prepared, task, empty, compiled)
        calibration = calibrate(compiled, plain, runs, base)
        return Seal(compiled, calibration, strengths(compiled, calibration, base, task.fail_to_pass))

    def agreed(self, prepared: Prepared, task: Task, parts: tuple[FilePatch, ...], reward: Reward) -> Reward:
        """What a reward of 1 becomes when a sealed run is held against gold's.

        Raises:
            LostError: there is no telling.
            R2EGymError: the machinery failed.
        """
        seal = self.seal(prepared, task)
        try:
            run = self._runs.sealed(prepared, task, parts, seal.compiled)
        except SandboxStartError:
            raise
        except SandboxError:
            self._gold(prepared, task, seal)  # where gold's sandbox breaks too, that error stands
            every = tuple(test for test in expected(task) if test in seal.calibration.tests)
            return _judged(reward, (), every, set(), seal, "the sandbox of the sealed run was lost twice")
        cause = loss(task, run.run)
        if cause and loss(task, self._gold(prepared, task, seal).run):
            raise LostError(f"{cause} when it was sealed, and so it does with gold")
        alarms = set(run.run.alarms)
        if alarms:
            alarms -= set(self._gold(prepared, task, seal).run.alarms)
        outcome = held(seal.calibration, run, expected(task))
        return _judged(reward, outcome.contradicted, outcome.missing, alarms, seal, cause)

    def _gold(self, prepared: Prepared, task: Task, seal: Seal) -> SealedRun:
        with prepared.seal_lock:
            if prepared.sealed_gold is None:
                parts = parts_of(prepared, task, Control.GOLD)
                prepared.sealed_gold = self._runs.sealed(prepared, task, parts, seal.compiled)
            return prepared.sealed_gold


def _judged(
    reward: Reward,
    contradicted: tuple[str, ...],
    missing: tuple[str, ...],
    alarms: set[str],
    seal: Seal,
    cause: str,
) -> Reward:
    lines = [f"sealed: {alarm}" for alarm in sorted(alarms)]
    lines += [f"{test} passed, and what it got is not what it expects" for test in contradicted]
    tampering = tuple(printable(line)[:300] for line in lines[:_LINES])
    lost = dict.fromkeys(missing, TestStatus.MISSING)
    resolved = not (tampering or missing)
    note = reward.note
    if missing:
        note = cause or f"{missing[0]} passed, and a sealed run does not show with what"
    return reward.model_copy(
        update={
            "resolved": resolved,
            "score": 1.0 if resolved else 0.0,
            "published": reward.published if resolved else 0,
            "f2p": {test: lost.get(test, status) for test, status in reward.f2p.items()},
            "p2p": {test: lost.get(test, status) for test, status in reward.p2p.items()},
            "tampering": (*reward.tampering, *tampering),
            "seal": seal.strengths,
            "note": note,
        }
    )
