"""What examines candidates, wherever it is: it can be sent to another process, and opens its own workshop there."""

from __future__ import annotations

import errno
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Literal, Self

from r2egym.agents import Budget, Installer, Mode
from r2egym.curation.examine import Outcome, examine
from r2egym.curation.installs import Install, Installs
from r2egym.curation.testgen import TestWriter
from r2egym.curation.workshop import OpenBuilder, Options, Workshop, stop_if
from r2egym.curation.writers import Writer, open_writer
from r2egym.errors import ModelRequestError, R2EGymError
from r2egym.grading import GradeOptions, Grader
from r2egym.llm import open_model
from r2egym.mining import Candidate, Repository
from r2egym.records import Record
from r2egym.rollouts.spec import native_by_name
from r2egym.sandboxes import open_backend

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})
"""Errors that every further candidate would meet too."""


class Equipment(Record):
    """What an examiner works with, as far as it can be written down."""

    source: str
    """Path or URL of the repository; opened anew where the examiner is sent to."""
    home: Path
    """Where layers, mirrors and sandboxes are kept, on each machine."""
    options: Options
    writer: str
    base_url: str | None = None
    """The writer's server, when it is a model."""
    test_writer: str = ""
    """A model that writes tests for fixes that have none; empty: nobody does."""
    installer: str = ""
    """A model that proposes recipes where discovery fails; empty: nobody does."""
    budget: Budget = Budget()
    """The installer's."""
    installs: tuple[Install, ...] = ()
    """What earlier runs found out about installs."""
    sandbox: Literal["bubblewrap", "docker"]
    index: Path | None
    recipes: Path | None


class Examiner:
    """Candidate → outcome, or commit and complaint when nothing is known. Safe for threads; close it.

    Args:
        equipment: what it works with.
        cancelled: whether to stop before the next run; does not travel.
    """

    def __init__(self, equipment: Equipment, cancelled: Callable[[], bool] = bool) -> None:
        self._equipment = equipment
        self._cancelled = cancelled
        self._mutex = Lock()
        self._open = ExitStack()
        self._ready: tuple[Workshop, Writer] | None = None

    def __reduce__(self) -> tuple[type[Examiner], tuple[Equipment]]:
        return type(self), (self._equipment,)

    def open(self, repository: Repository) -> tuple[Workshop, Writer]:
        """Take what is needed of this machine.

        Raises:
            UsageError: there is no such writer.
            SandboxUnavailableError: this machine cannot run the sandbox.
        """
        chosen = self._equipment
        writer = open_writer(chosen.writer, base_url=chosen.base_url)
        backend = open_backend(chosen.sandbox, chosen.home)
        builder = OpenBuilder(chosen.home, backend=backend, index=chosen.index, recipes=chosen.recipes)
        builder.repository = repository
        self._open.callback(writer.close)
        self._open.enter_context(builder)
        options = GradeOptions(timeout=chosen.options.timeout, test_timeout=chosen.options.test_timeout)
        grader = Grader(builder, backend, options)
        scratch = chosen.home / "tmp"
        shop = Workshop(
            repository, builder, backend, grader, chosen.options, scratch, self._cancelled,
            tester=self._tester(), installs=self._installs(builder, repository),
        )  # fmt: skip
        self._ready = shop, writer
        return self._ready

    def _tester(self) -> TestWriter | None:
        chosen = self._equipment
        if not chosen.test_writer:
            return None
        tester = TestWriter(open_model(chosen.test_writer, base_url=chosen.base_url))
        self._open.callback(tester.close)
        return tester

    def _installs(self, builder: OpenBuilder, repository: Repository) -> Installs | None:
        """Who helps where discovery fails. Raises RecipeError, UsageError."""
        chosen = self._equipment
        installer: Installer | None = None
        if chosen.installer:
            mode: Mode = "function_calling" if native_by_name(chosen.installer) else "xml"
            model = open_model(chosen.installer, base_url=chosen.base_url)
            installer = Installer(model, mode, chosen.budget)
            self._open.callback(installer.close)
        known = dict(enumerate(builder.fallbacks(repository), 1))
        stop = partial(stop_if, self._cancelled)
        installs = Installs(builder, repository, installer, known, stop)
        installs.learn(chosen.installs)
        return installs if installer or installs.known else None

    def _opened(self, commit: str) -> tuple[Workshop, Writer]:
        """The workshop; where this examiner was sent, it is opened now."""
        with self._mutex:
            source, home = self._equipment.source, self._equipment.home
            return self._ready or self.open(Repository.open(source, home, having=commit))

    def __call__(self, candidate: Candidate) -> Outcome | tuple[str, str]:
        """Examine one.

        Raises:
            OSError: the disk is full, which every other would meet too.
            ModelRequestError: the writer's server refuses what it is asked as such.
        """
        commit = candidate.commit.hash
        try:
            return examine(*self._opened(commit), candidate)
        except ModelRequestError:
            raise  # a wrong key or name, which every other candidate would meet too
        except R2EGymError as error:
            return commit, f"{error.boundary}: {error}"
        except OSError as error:
            if error.errno in _NO_ROOM:
                raise
            return commit, f"sandbox: {error}"

    def close(self) -> None:
        """Let go of every layer; twice is safe."""
        self._open.close()
        self._ready = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
