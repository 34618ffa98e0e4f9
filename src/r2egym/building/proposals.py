"""Recipes that a model proposes: less than what a person may write, since nobody reads them before they run.

A proposal has no text that is not checked against the commit's files or the index, so it can neither take tests out of a
run, nor carry a message to whoever works on the task, nor put another copy of the project in place of its source.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence

from packaging.requirements import InvalidRequirement, Requirement

from r2egym.building.built import Built
from r2egym.building.files import Files
from r2egym.building.recipe import NO_PACKAGES
from r2egym.building.recipe_files import what_is_wrong
from r2egym.building.requirements import parse
from r2egym.errors import BuildError, RecipeError
from r2egym.records import Recipe

_MOST_CHARACTERS = 20_000
_MOST_LINES = 300
_PIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9.!+_-]+")
_ARGUMENT = re.compile(r"--import-mode=(prepend|append|importlib)|--asyncio-mode=(auto|strict)")
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]{0,63}")
_STEERING = re.compile(
    r"PYTHON|PYTEST|COV_|LD_|DYLD_|GLIBC_|GCONV|BASH|ENV$|SHELL|PATH$|IFS$|HOME$|TMP|GIT_|R2EGYM|VIRTUAL_ENV|UV_|PIP_|BROWSER$"
)
"""Variables that load code, or decide where programs, settings or tests are found."""
_VALUE = re.compile(r"\d{0,6}|true|false|yes|no|on|off|tests?|testing|C|C\.UTF-8|UTC", re.IGNORECASE)
"""What a variable may be without the repository's own files saying so."""
_LONGEST_LINE = 200
_SPEAKING = re.compile(r"\.(py|ini|cfg|toml|ya?ml|txt|md|rst|sh)$|(^|/)(Makefile|Dockerfile|\.env[^/]*)$")
"""Files that could tell of a variable."""
_UNTAKEN = ("writable_source", "origin")


def read_proposal(text: str, files: Files, pythons: Sequence[str]) -> Recipe:
    """The recipe of a proposal.

    Args:
        text: TOML, one key a field.
        files: the commit's.
        pythons: versions at hand, ``MAJOR.MINOR``.

    Raises:
        RecipeError: it is no recipe, or it says what a proposal may not; the message tells everything that is wrong.
    """
    if len(text) > _MOST_CHARACTERS:
        raise RecipeError(f"it has {len(text):,} characters; {_MOST_CHARACTERS:,} are enough for a recipe")
    try:
        recipe = Recipe.model_validate(tomllib.loads(text))
    except (ValueError, RecursionError) as error:
        raise RecipeError(f"it is no recipe: {what_is_wrong(error)}") from None
    faults = list(_faults(recipe, files, pythons))
    if faults:
        raise RecipeError("; ".join(faults))
    asked = (parse(line) for line in recipe.requirements)
    return recipe.model_copy(update={"requirements": tuple(sorted({line for line in asked if line}))})


def refuse_copies(built: Built, files: Files) -> None:
    """Raise BuildError when a dependency brings what the repository has itself: tests could take it, and agents read the fix in it."""
    recipe = built.environment.recipe
    site = built.venv / "lib" / f"python{recipe.python}" / "site-packages"
    installed = {path.name.split(".")[0] for path in site.iterdir()} if site.is_dir() else set()
    if copies := ", ".join(sorted(installed & set(_own_names(files, recipe)))):
        raise BuildError(
            "import-failed",
            f"a requirement brings what the repository has itself ({copies}): leave it out, and name the folder in source_roots",
        )


def _faults(recipe: Recipe, files: Files, pythons: Sequence[str]) -> Iterator[str]:
    """What is wrong with a proposal, a phrase each."""
    if recipe.python not in pythons:
        yield f"python: {recipe.python[:20]!r} is not at hand; there are {', '.join(pythons)}"
    yield from _asked_wrong(recipe)
    yield from _misplaced(recipe, files)
    for argument in recipe.test_arguments:
        if not _ARGUMENT.fullmatch(argument):
            yield f"test_arguments: {argument[:80]!r} is not taken; only --import-mode= and --asyncio-mode= are"
    for name, value in recipe.environment.items():
        if not _VARIABLE.fullmatch(name) or _STEERING.match(name) or not _told(name, files):
            yield f"environment: {name[:80]!r} is not taken; only plain variables that the repository's files name are"
        elif not _VALUE.fullmatch(value) and not _told(value, files):
            yield f"environment: {name}'s value is not taken; only a number, a truth value, or what the repository's files say is"
    for field in _UNTAKEN:
        if field in recipe.model_fields_set:
            yield f"{field}: leave it out"


def _asked_wrong(recipe: Recipe) -> Iterator[str]:
    """What of the requirements no index could satisfy."""
    if len(recipe.requirements) + len(recipe.constraints) > _MOST_LINES:
        yield f"requirements: more than {_MOST_LINES}"
        return
    for line in recipe.requirements:
        if why := _no_requirement(line):
            yield f"requirements: {line[:80]!r} {why}"
    for line in recipe.constraints:
        if not _PIN.fullmatch(line):
            yield f"constraints: {line[:80]!r} is not NAME==VERSION"


def _misplaced(recipe: Recipe, files: Files) -> Iterator[str]:
    """What of the folders and packages the repository has not."""
    folders = {"."} | {path[: found.start()] for path in files.paths for found in re.finditer("/", path)}
    for field, given in (("source_roots", recipe.source_roots), ("projects", recipe.projects)):
        for folder in given:
            if folder not in folders or not folder.isprintable():
                yield f"{field}: {folder[:80]!r} is no folder of the repository, as seen from its root"
    if not recipe.packages:
        yield "packages: name at least one package that the project provides; importing it is part of the check"
    there = {name for root in recipe.source_roots for name in (*files.packages(root), *files.modules(root))}
    for name in recipe.packages:
        if name not in there or name.lower() in NO_PACKAGES:
            yield f"packages: {name[:80]!r} is no package or module of the project's under source_roots"


def _no_requirement(line: str) -> str:
    """Why a line is no requirement that an index can satisfy; empty when it is one."""
    if len(line) > _LONGEST_LINE or not line.isprintable():
        return "is too long, or holds what cannot be printed"
    try:
        wanted = Requirement(line)
    except InvalidRequirement:
        return "is no requirement (NAME, NAME>=1.2, NAME[EXTRA])"
    return "is an address; only names that the index knows are taken" if wanted.url else ""


def _told(word: str, files: Files) -> bool:
    """Whether a file of the repository's has a word: what agents can read there anyway."""
    pattern = re.compile(rf"(?<!\w){re.escape(word)}(?!\w)")
    return any(pattern.search(files.text(path)) for path in files.paths if _SPEAKING.search(path))


def _own_names(files: Files, recipe: Recipe) -> Iterator[str]:
    """Names under which the repository's own packages and modules can be imported, those for tests and documents apart."""
    packages = {path.rpartition("/")[0] for path in files.paths if path.endswith("/__init__.py")}
    tops = {path.rpartition("/")[2] for path in packages if path.rpartition("/")[0] not in packages}
    modules = {name for root in ("src", "lib", ".", *recipe.source_roots) for name in files.modules(root)}
    yield from (name for name in tops | modules if name.lower() not in NO_PACKAGES)
