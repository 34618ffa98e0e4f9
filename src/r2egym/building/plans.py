"""What a builder tries, in its order: a recipe, and the moment as of which it is resolved."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from packaging.utils import canonicalize_name

from r2egym.building.dates import floors
from r2egym.building.files import Files
from r2egym.building.metadata import read_project
from r2egym.building.requirements import name_of
from r2egym.mining import Repository
from r2egym.records import Recipe

_ASKING = re.compile(
    r"(^|/)(pyproject\.toml|setup\.(py|cfg)|tox\.ini|noxfile\.py|Pipfile(\.lock)?|(poetry|uv|pdm)\.lock"
    r"|[^/]*requirements?[^/]*\.(txt|in|pip)|requirements/[^/]+)$"
)


class Plan(NamedTuple):
    """Something to try."""

    moment: float
    """Seconds since 1970, as of which it is resolved."""
    recipe: Recipe


def with_missing(plan: Plan, missing: Sequence[str]) -> Plan | None:
    """The same with what a run found missing; None when nothing is new in that."""
    have = {name_of(line) for line in plan.recipe.requirements}
    more = [name for name in missing if name_of(name) not in have]
    if not more:
        return None
    asked = tuple(sorted({*plan.recipe.requirements, *more}))
    recipe = plan.recipe.model_copy(
        update={"requirements": asked, "origin": f"{plan.recipe.origin} + what tests import"}
    )
    return Plan(plan.moment, recipe)


def asks_otherwise(repository: Repository, base: str, fix: str) -> bool:
    """Whether a file in which projects write down what they need differs between two commits."""
    return any(_ASKING.search(path) for path in repository.changed_paths(base, fix))


def without_own(lock: Sequence[str], files: Files, recipe: Recipe) -> tuple[str, ...]:
    """A lock less the releases of what the repository itself provides: a plugin that tests need may depend on one.

    They would be found before the source. What a test runner needs stays, for it is loaded before any source is.
    """
    parts = (files if folder == "." else files.under(folder) for folder in recipe.projects)
    own = {canonicalize_name(read_project(part).name) for part in parts} - floors(recipe.python).keys()
    return tuple(line for line in lock if canonicalize_name(line.partition("==")[0]) not in own)
