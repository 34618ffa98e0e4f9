"""Recipe files: what somebody wrote down about one repository, as TOML.

The file's own keys are a recipe that is believed alone. Tables ``[[fallback]]`` are recipes that are tried, in their order,
on commits on which discovery fails; installers write them.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Sequence
from pathlib import Path

from pydantic import JsonValue, ValidationError

from r2egym.errors import RecipeError
from r2egym.records import Recipe, Record


class RecipeFile(Record):
    """What a recipe file says."""

    alone: Recipe | None = None
    """Is tried, and nothing else."""
    fallback: tuple[Recipe, ...] = ()
    """Are tried where discovery fails."""


def read_recipe_file(path: Path) -> RecipeFile:
    """Read the file of one repository. Raises RecipeError."""
    try:
        said = tomllib.loads(path.read_text())
        named = {"origin": f"recipes/{path.name}"}
        fallback = said.pop("fallback", [])
        return RecipeFile.model_validate(
            {
                "alone": {**named, **said} if said or not fallback else None,
                "fallback": [{**named, **one} for one in fallback],
            }
        )
    except (OSError, ValueError, TypeError) as error:
        raise RecipeError(f"{path}: not a recipe ({what_is_wrong(error)})") from None


def what_is_wrong(error: Exception) -> str:
    """The first thing that is wrong with a recipe, for people."""
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"] if part != "alone")
        return f"{place}: {first['msg']}"
    return str(error.strerror if isinstance(error, OSError) else error)


def fallback_text(recipes: Sequence[tuple[str, Recipe]]) -> str:
    """A recipe file of fallbacks, each under its one-line comment; :func:`read_recipe_file` reads the same recipes."""
    parts = ["# Where discovery fails on a commit, these are tried in their order.\n"]
    for comment, recipe in recipes:
        said = recipe.model_dump(mode="json", exclude_defaults=True)
        lines = [f"{key} = {_toml(value)}\n" for key, value in said.items()]
        parts.append("".join([f"# {comment}\n" if comment else "", "[[fallback]]\n", *lines]))
    return "\n".join(parts)


def _toml(value: JsonValue) -> str:
    """A value of a recipe: truth, text, list, or a table of texts."""
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{json.dumps(key)} = {_toml(one)}' for key, one in value.items())} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
