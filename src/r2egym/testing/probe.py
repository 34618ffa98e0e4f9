"""Running tests plainly, as they lie in the work tree: for telling what a commit does, never for rewards."""

from __future__ import annotations

from collections.abc import Sequence

from r2egym.records import Recipe
from r2egym.sandboxes.base import Backend, SandboxConfig
from r2egym.testing.events import Report
from r2egym.testing.machinery import RUNNING, cleared, command, package, run_job
from r2egym.testing.statuses import TestRun


def run_tests(
    backend: Backend,
    config: SandboxConfig,
    recipe: Recipe,
    modules: Sequence[str],
    *,
    timeout: float,
    test_timeout: float = 60.0,
    seed: int = 0,
    tracebacks: bool = True,
) -> TestRun:
    """Run test modules in a fresh sandbox.

    Args:
        backend: where.
        config: the work tree, with its tests, at ``/testbed``; the environment under ``/opt/r2egym``.
        recipe: how the repository is tested.
        modules: paths of test modules, relative to the repository's root.
        timeout: wall seconds for all of it.
        test_timeout: wall seconds for one test.
        seed: hash seed; other than 0 it shuffles modules, and the tests in each, as well.
        tracebacks: whether messages are tracebacks rather than one line.

    Raises:
        SandboxError: the sandbox broke.
    """
    job = run_job(recipe, modules, test_timeout) | {"tracebacks": tracebacks, "shuffle": seed}
    done = backend.run(cleared(config, seed), command(), timeout=timeout, stdin=package(RUNNING, job))
    report = Report(done, job["nonce"])
    census = report.census or ()
    statuses = {test: status for i, test in enumerate(census) if (status := report.status(i)) is not None}
    messages = {census[i]: text for i, text in report.messages.items()}
    return TestRun(
        statuses=statuses,
        messages={**report.collection, **messages},
        durations={census[i]: seconds for i, seconds in report.durations.items()},
        complete=report.complete,
        census=census,
        alarms=tuple(report.alarms),
        timeouts=tuple(census[i] for i in report.timeouts),
        origins=report.origins,
        versions=report.versions,
        exec=done.model_copy(update={"stdout": ""}),
    )
