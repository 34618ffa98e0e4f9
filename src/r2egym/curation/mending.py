"""The environment of a candidate: by discovery, else by a recipe that somebody found where that failed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from r2egym.building import Built
from r2egym.curation.evidence import shorten
from r2egym.curation.funnel import NotATaskError
from r2egym.curation.installs import Install
from r2egym.curation.trial import complaint
from r2egym.curation.workshop import Workshop
from r2egym.errors import BuildError
from r2egym.records import HiddenTests, Recipe, TestStatus
from r2egym.testing import TestRun

FIX_FAILS = "fix-fails"
"""Why a candidate is turned away in whose environment no hidden test passes on the fix's side."""
_SHOWN = 3
"""Messages of a run that a log holds."""


def build(
    shop: Workshop, base: str, fix: str, gold: Path, hidden: HiddenTests, note: Callable[[Install], None]
) -> tuple[Built, TestRun]:
    """As :meth:`Workshop.build`; where discovery fails, or gives an environment in which no hidden test passes, others are asked.

    Args:
        shop: the machinery.
        base: the commit.
        fix: the fix.
        gold: layer of the fix's side.
        hidden: the tests.
        note: is told what others did.

    Raises:
        BuildError: there is none.
        NotATaskError: the tests do not end in time (stage ``classify``).
        ModelError: an installer's server failed.
    """
    poor: tuple[Built, TestRun] | None = None
    try:
        built, run = poor = shop.build(base, fix, gold, hidden)
        if _passes(run):
            return poor
        error, tried = _nothing_passes(run), built.environment.recipe
    except BuildError as failed:
        error, tried = failed, None
    found: list[tuple[Built, TestRun]] = []

    def attempt(recipe: Recipe, check: Callable[[Built], object]) -> None:
        try:
            made = shop.build(base, fix, gold, hidden, recipe=recipe, check=check)
        except NotATaskError as reason:
            raise BuildError("check-timeout", reason.detail) from None
        if not _passes(made[1]):
            raise _nothing_passes(made[1])
        found.append(made)

    if shop.installs is not None:
        install = shop.installs.mend(base, hidden.modules, error, tried, attempt)
        note(install)
        if install.recipe is not None:
            return found[-1]
    if poor is None:
        raise error
    return poor


def _passes(run: TestRun) -> bool:
    return any(status is TestStatus.PASSED for status in run.statuses.values())


def _nothing_passes(run: TestRun) -> BuildError:
    """That no hidden test passes, as a failure of the build."""
    said = [shorten(run.messages[test]) for test in sorted(run.messages)[:_SHOWN]]
    return BuildError(
        FIX_FAILS, f"no test passes with the fix: {complaint(run)}", "\n\n".join([*said, run.exec.stderr])
    )
