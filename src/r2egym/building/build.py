"""From a commit to a runnable environment: discover, resolve as of the commit's date, install, check.

Recipes are tried in order of likelihood, and the first that stands counts. What it takes to stand, a judge says: the
default imports the packages and collects all tests; whoever has tests to run, runs them. Where no recipe stands, the one
with the most tests counts. A build that fails keeps its log under ``home/logs``.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Self

from r2egym import settings as settings_module
from r2egym.building.assembly import Assembly, read_files
from r2egym.building.built import Built
from r2egym.building.census import take_census
from r2egym.building.checks import Collected, check
from r2egym.building.dates import rfc3339, tools_floor
from r2egym.building.files import Files
from r2egym.building.foreign import ask_setup
from r2egym.building.history import BRANCH, History
from r2egym.building.layers import LayerStore
from r2egym.building.metadata import read_project
from r2egym.building.missing import undeclared_projects
from r2egym.building.objects import Objects
from r2egym.building.plans import Plan, asks_otherwise, with_missing, without_own
from r2egym.building.pyproject import Project
from r2egym.building.pythons import rank
from r2egym.building.recipe import discover, has_extension
from r2egym.building.recipe_files import RecipeFile, read_recipe_file
from r2egym.building.resolve import resolve
from r2egym.building.workshop import Bench
from r2egym.errors import BuildError, TaskError
from r2egym.mining import Repository
from r2egym.records import Environment, Recipe, Task
from r2egym.sandboxes.base import Backend
from r2egym.settings import Settings

_STAGES = (
    "no-python",
    "bad-lock",
    "resolve-failed",
    "install-failed",
    "missing-program",
    "missing-header",
    "project-failed",
    "import-failed",
    "check-timeout",
    "collect-failed",
)
"""Reasons, the further a build came the later."""
_MOST_OF_FIX = 2
"""Recipes of a fix that are tried besides those of its base."""
_SECOND_OPINIONS = 2
"""Further environments that are tried where some tests work and others do not."""
Judge = Callable[[Built], Collected]
"""Says what works in an environment. Raises BuildError when nothing does."""
_SCP = re.compile(r"[\w.-]+@[\w.-]+:")
"""The beginning of an address as ``scp`` has it."""


class Builder:
    """Builds environments; safe for threads, and for other processes that use the same home.

    Layers it hands out are spared by ``prune`` until :meth:`close` or the end of the process.
    """

    def __init__(
        self,
        home: Path,
        *,
        backend: Backend,
        settings: Settings | None = None,
        recipes: Path | None = None,
        index: Path | None = None,
    ) -> None:
        """Nothing is done yet.

        Args:
            home: where layers are kept.
            backend: where foreign code runs.
            settings: what the process environment says; None: read it.
            recipes: a folder of recipe files, ``NAME.toml`` for the repository called ``NAME``.
            index: a folder of wheels to use instead of the configured package index.
        """
        self._assembly = Assembly(home, backend, settings or settings_module.load())
        self._home = home
        self._backend = backend
        self._recipes = recipes
        self._index = index

    @property
    def store(self) -> LayerStore:
        """Where its layers are."""
        return self._assembly.store

    # --- building -----------------------------------------------------------------------------------------------

    def build(
        self,
        repository: Repository,
        base_commit: str,
        *,
        judge: Judge | None = None,
        near: Sequence[str] = (),
        fix: str | None = None,
        recipe: Recipe | None = None,
    ) -> Built:
        """An environment for a commit, found out from what the commit holds.

        Args:
            repository: where the commit is.
            base_commit: which.
            judge: says whether an environment will do; None: packages import, and all tests are collected.
            near: paths of the tests that it is for, in case the repository holds several projects.
            fix: a later commit whose tests run in it; what that one newly asks of the index is there too.
            recipe: tried instead of what would be found out.

        Raises:
            BuildError: it cannot be built; ``reason`` says at which stage the best attempt ended.
            TaskError: the store or the index is of no use.
        """
        base = repository.resolve(base_commit)
        try:
            plans = self._plans(repository, base, near, fix, recipe)
            return self._best(repository, base, plans, judge or self.check)
        except BuildError as error:
            self._keep_log(repository, base, error)
            raise

    def rebuild(self, repository: Repository, base_commit: str, environment: Environment) -> Built:
        """The environment that a row describes: exactly its lock, every hash required. Raises as :meth:`build`."""
        return self._assembly.assemble(repository, repository.resolve(base_commit), environment, self._index)

    def for_task(self, task: Task, root: Path | None) -> Built:
        """The environment of a task.

        Args:
            task: a row.
            root: the dataset's folder; needed when the row leads to a file in it.
        """
        environment = task.environment
        index = self._index
        if environment.index == "index" and index is None:
            index = _inside(root, "index", task.instance_id)
        source: str | Path = environment.repository
        if "://" not in environment.repository and not _SCP.match(environment.repository):
            source = _inside(root, environment.repository, task.instance_id)
        repository = Repository.open(source, self._home, having=task.base_commit)
        return self._assembly.assemble(repository, repository.resolve(task.base_commit), environment, index)

    def tree_layer(self, repository: Repository, tree: str, *, objects: Path | None = None) -> Path:
        """A git tree as a layer.

        Args:
            repository: where its objects are.
            tree: 40 hex digits.
            objects: a further object folder, as a quarantine has it.
        """
        return self._assembly.tree_layer(repository, tree, objects=objects)

    def census(self, built: Built, history: History = "past") -> dict[str, int]:
        """Count all objects of an environment's ``.git``, and those its base commit does not reach."""
        git_dir = built.history(history) / ".git"
        head = built.base_commit if history == "past" else (git_dir / BRANCH).read_text().strip()
        return take_census(git_dir, head)

    def close(self) -> None:
        """Let go of all layers; twice is safe."""
        self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- where discovery does not do ----------------------------------------------------------------------------

    def pythons(self) -> list[str]:
        """Versions of Python at hand, ``MAJOR.MINOR``, newest first."""
        return [interpreter.minor for interpreter in self._assembly.interpreters()]

    def fallbacks(self, repository: Repository) -> tuple[Recipe, ...]:
        """Recipes to try where discovery fails, from the folder of recipe files. Raises RecipeError."""
        return self._recipe_file(repository).fallback

    def bench(self, repository: Repository, base: str, python: str) -> AbstractContextManager[Bench]:
        """A build sandbox with a commit's files, for somebody who looks for a recipe. Raises BuildError."""
        return self._assembly.bench(repository, base, python, self._index)

    def _recipe_file(self, repository: Repository) -> RecipeFile:
        path = self._recipes / f"{repository.name}.toml" if self._recipes else None
        return read_recipe_file(path) if path and path.is_file() else RecipeFile()

    # --- attempts -----------------------------------------------------------------------------------------------

    def _plans(
        self, repository: Repository, base: str, near: Sequence[str], fix: str | None, recipe: Recipe | None
    ) -> tuple[Plan, ...]:
        """What to try, the likeliest first; after the base's first recipe the fix's, where that one asks for other things."""
        moment = float(repository.commit(base).committer_time)
        plans = tuple(
            Plan(moment, one) for one in ((recipe,) if recipe else self.discover(repository, base, near))
        )
        if fix is None or not asks_otherwise(repository, base, fix):
            return plans
        shape = plans[0].recipe.model_dump(include={"source_roots", "packages", "projects"})
        later = max(moment, float(repository.commit(fix).committer_time))
        with suppress(BuildError):
            found = (recipe,) if recipe else self.discover(repository, fix, near)[:_MOST_OF_FIX]
            fixed = (Plan(later, one.model_copy(update=shape)) for one in found)
            return (plans[0], *fixed, *plans[1:])
        return plans

    def discover(self, repository: Repository, base: str, near: Sequence[str] = ()) -> tuple[Recipe, ...]:
        """The recipes that are tried for a commit, the likeliest first. Raises BuildError."""
        if alone := self._recipe_file(repository).alone:
            return (alone,)
        pythons = self.pythons()
        moment = repository.commit(base).committer_time
        files = read_files(repository, base)
        project = read_project(files)
        if "dependencies" in project.unread and "setup.py" in files.paths:
            project = self._ask_setup(repository, base, project, rank(pythons, files, project, moment))
        return discover(files, moment, pythons, name=repository.name, project=project, near=near)

    def _ask_setup(self, repository: Repository, base: str, project: Project, pythons: list[str]) -> Project:
        """Have the project's ``setup.py`` tell its dependencies; what could be read, when it does not."""
        for minor in pythons[:1]:
            tree = self._assembly.tree_layer(repository, Objects(repository.path).root(base))
            interpreter = self._assembly.interpreter(minor)
            with suppress(BuildError):
                return ask_setup(
                    self._assembly.workshop(self._index), interpreter, tree, tools_floor(minor), project
                )
        return project

    def check(self, built: Built) -> Collected:
        """Import the packages and collect the tests. Raises BuildError."""
        return check(self._backend, built.config(history="none"), built.environment.recipe)

    def _best(self, repository: Repository, base: str, plans: tuple[Plan, ...], judge: Judge) -> Built:
        failures: list[BuildError] = []
        partial: list[tuple[int, int, Built]] = []
        imported: set[str] = set()
        files = read_files(repository, base)
        compiles = has_extension(files)
        pending = deque(plans)
        for plan, environment in self._environments(repository, files, pending, failures):
            recipe = environment.recipe
            has_pytest = bool(partial) or any(error.reason != "resolve-failed" for error in failures)
            if (recipe.install == "editable" and recipe.python in imported and not compiles) or (
                recipe.runner == "unittest" and has_pytest
            ):
                continue  # a path was enough; pytest runs such tests too
            try:
                built = self._assembly.assemble(repository, base, environment, self._index)
                found = judge(built)
            except BuildError as error:
                failures.append(error)
                imported |= {recipe.python} if error.reason == "collect-failed" else set()
                continue
            ready = replace(built, collected=found.tests)
            missing = found.missing
            if not found.errors:
                missing = undeclared_projects(built.venv, recipe.python)
                if not with_missing(plan, missing):
                    return ready
            if found.tests:
                imported.add(recipe.python)
            partial.append((found.tests, -len(partial), ready))
            if fuller := with_missing(plan, missing):
                pending.appendleft(fuller)
            elif sum(1 for tests, *_ in partial if tests) > _SECOND_OPINIONS:
                break
        if partial:
            return max(partial, key=lambda one: one[:2])[2]
        raise max(
            reversed(failures),
            key=lambda error: _STAGES.index(error.reason) if error.reason in _STAGES else -1,
        )

    def _environments(
        self, repository: Repository, files: Files, pending: deque[Plan], failures: list[BuildError]
    ) -> Iterator[tuple[Plan, Environment]]:
        """Every different environment that the plans resolve to; plans may be added meanwhile."""
        seen: set[tuple[object, ...]] = set()
        while pending:
            plan = pending.popleft()
            moment, recipe = plan
            try:
                before, lock = self._lock(recipe, moment)
            except BuildError as error:
                if error.reason == "index-unreachable":
                    raise
                failures.append(error)
                continue
            lock = without_own(lock, files, recipe)
            identity = (recipe.python, recipe.runner, recipe.install, lock)
            if identity in seen:
                continue
            seen.add(identity)
            yield (
                plan,
                Environment(
                    repository=repository.url or f"repos/{repository.name}.bundle",
                    recipe=recipe,
                    as_of=rfc3339(before),
                    lock=lock,
                    index="index" if self._index else "default",
                ),
            )

    def _lock(self, recipe: Recipe, moment: float) -> tuple[float, tuple[str, ...]]:
        """The lock as of ``moment``; where the only Python is younger and finds nothing, as of that Python's time."""
        interpreter = self._assembly.interpreter(recipe.python)
        workshop = self._assembly.workshop(self._index)
        floor = tools_floor(recipe.python)
        try:
            return moment, resolve(workshop, interpreter, recipe.requirements, recipe.constraints, moment)
        except BuildError as error:
            if error.reason == "index-unreachable" or floor <= moment:
                raise
            return floor, resolve(workshop, interpreter, recipe.requirements, recipe.constraints, floor)

    def _keep_log(self, repository: Repository, base: str, error: BuildError) -> None:
        logs = self._home / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        text = f"{repository.name} {base}\n{error.reason}: {error}\n\n{error.log}\n"
        (logs / f"{repository.name}-{base[:12]}.log").write_text(text, errors="replace")


def _inside(root: Path | None, name: str, instance: str) -> Path:
    """A path in the dataset's folder. Raises TaskError when it leads out of it, or there is no folder."""
    if root is None:
        raise TaskError(
            f"{instance}: its row leads to {name!r} in the dataset's folder: load the dataset from that folder once"
        )
    path = (root / name).resolve()
    if not path.is_relative_to(root.resolve()):
        raise TaskError(f"{instance}: its row leads out of the dataset's folder: {name!r}")
    return path
