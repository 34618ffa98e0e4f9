"""Where discovery gives a commit no environment: recipes that worked elsewhere in its repository, then a model's.

Both go through the builder and the judge that every recipe goes through, and have to pass more: the packages import, tests are collected,
no requirement brings another copy of the project, and a hidden test passes on the fix's side. One commit at a time, so
that what was found for it helps the next, and the recipes' order in the file is the order in which they were found.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from functools import partial
from threading import Lock

from pydantic import JsonValue

from r2egym.agents import Case, Installed, Installer, Site
from r2egym.building import Builder, Built, Collected
from r2egym.building.assembly import read_files
from r2egym.building.files import Files
from r2egym.building.proposals import read_proposal, refuse_copies
from r2egym.errors import BuildError
from r2egym.llm import total
from r2egym.mining import Repository
from r2egym.records import Message, Recipe, Record, Usage

HOPELESS = frozenset({"no-recipe", "no-python", "bad-lock", "index-unreachable", "history-incomplete"})
"""Reasons that no recipe mends."""

Attempt = Callable[[Recipe, Callable[[Built], object]], None]
"""Builds with a recipe; the second argument is asked before the hidden tests are. Raises BuildError where none of them passes."""


class Install(Record):
    """What was done for a commit on which discovery failed."""

    commit: str
    """The base commit."""
    reason: str
    """Why discovery failed."""
    problem: str = ""
    """The same in words."""
    recipe: Recipe | None = None
    """What it was built with in the end."""
    number: int = 0
    """That recipe's place among those of the repository, from 1."""
    model: str = ""
    """Who was asked; empty: nobody."""
    proposals: int = 0
    complaint: str = ""
    """What was wrong with the last proposal, or why the model gave up."""
    ending: str = ""
    """Why the model's work ended; see ``ExitReason``."""
    steps: int = 0
    seconds: float = 0.0
    usage: Usage = Usage()
    transcript: tuple[Message, ...] = ()

    def told(self) -> str:
        """What was tried in vain, for the funnel."""
        complaint = "".join(letter if letter.isprintable() else " " for letter in self.complaint)
        if not self.model:
            return complaint
        tried = f"{self.proposals} proposal{'' if self.proposals == 1 else 's'}"
        last = f", the last: {complaint}" if complaint else f", ended by {self.ending}"
        return f"installer {self.model}: {tried}{last}"[:300]


def summary(installs: Collection[Install]) -> dict[str, JsonValue]:
    """What installs took, in numbers."""
    asked = [install for install in installs if install.model]
    taken = total(install.usage for install in asked)
    return {
        "asked": len(asked),
        "recipes": sum(install.recipe is not None for install in asked),
        "reused": sum(install.recipe is not None and not install.model for install in installs),
        "prompt_tokens": taken.prompt,
        "completion_tokens": taken.completion,
        "cost": taken.cost,
    }


@dataclass
class Installs:
    """What is known of one repository's installs. Safe for threads."""

    builder: Builder
    repository: Repository
    installer: Installer | None = None
    known: dict[int, Recipe] = field(default_factory=dict)
    """Recipes that are tried before the model is asked, by their numbers."""
    stop: Callable[[], None] = lambda: None
    """Raises when the work is to end."""
    _failed: Counter[str] = field(default_factory=Counter)
    _asked: set[str] = field(default_factory=set)
    _lock: Lock = field(default_factory=Lock)

    def learn(self, past: Sequence[Install]) -> None:
        """Take up what earlier runs found."""
        for install in past:
            self._remember(install)

    def mend(
        self, base: str, near: Sequence[str], error: BuildError, tried: Recipe | None, attempt: Attempt
    ) -> Install:
        """Find a recipe for a commit; one without a recipe where none was found.

        Args:
            base: the commit.
            near: paths of the tests that it is for.
            error: what discovery came to.
            tried: the recipe that came to it; None: the likeliest one did, or none.
            attempt: builds with a recipe.

        Raises:
            BuildError: reason ``index-unreachable``.
            ModelError, SandboxError: the machinery failed.
        """
        failed = Install(commit=base, reason=error.reason, problem=str(error)[:300])
        if error.reason in HOPELESS:
            return failed
        files = read_files(self.repository, base)

        def check(built: Built) -> Collected:
            refuse_copies(built, files)
            return self.builder.check(built)

        with self._lock:
            for number, recipe in sorted(self.known.items()):
                if _holds(partial(attempt, recipe, check)):
                    return failed.model_copy(update={"recipe": recipe, "number": number})
            if self.installer is None:
                return failed
            if base in self._asked or self._failed[error.reason] >= self.installer.budget.failures:
                often = f"{self.installer.name} was not asked: it had failed for this reason before"
                return failed.model_copy(update={"complaint": often})
            found = tried or self.builder.discover(self.repository, base, near)[0]
            case = Case(
                name=self.repository.name, recipe=found, log=error.log, pythons=tuple(self.builder.pythons()),
                **failed.model_dump(include={"commit", "reason", "problem"}),
            )  # fmt: skip
            went = self._ask(self.installer, case, files, lambda recipe: attempt(recipe, check))
            number = max(self.known, default=0) + 1 if went.recipe else 0
            install = failed.model_copy(update={**dict(went), "model": self.installer.name, "number": number})
            self._remember(install)
            return install

    def _ask(
        self, installer: Installer, case: Case, files: Files, attempt: Callable[[Recipe], None]
    ) -> Installed:
        origin = f"recipes/{self.repository.name}.toml, proposed by {installer.name}"

        def check(text: str) -> Recipe:
            recipe = read_proposal(text, files, case.pythons).model_copy(update={"origin": origin})
            attempt(recipe)
            return recipe

        bench = partial(self.builder.bench, self.repository, case.commit)
        return installer.install(case, Site(files=files, bench=bench, check=check, stop=self.stop))

    def _remember(self, install: Install) -> None:
        if install.recipe is not None:
            self.known[install.number] = install.recipe
        elif install.model:
            self._failed[install.reason] += 1
            self._asked.add(install.commit)


def _holds(attempt: Callable[[], None]) -> bool:
    """Whether a recipe does. Raises BuildError when the index does not answer."""
    try:
        attempt()
    except BuildError as error:
        if error.reason == "index-unreachable":
            raise
        return False
    return True
