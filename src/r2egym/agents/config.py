"""An agent's configuration: the YAML of the published shape, and what its placeholders stand for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import JsonValue, ValidationError

from r2egym.errors import UsageError
from r2egym.records import Record

_PLACEHOLDER = re.compile(r"\{\{|\}\}|\{([a-z_]+)\}")


class AgentConfig(Record):
    """What an agent is told. The keys are the published ones."""

    system_prompt: str = ""
    instance_prompt: str
    """``{problem_statement}`` stands for the statement, ``{working_dir}`` for the work tree, ``{command_docs}`` for the
    tools' manual."""
    command_files: tuple[str, ...] = ()
    """Tool files; those of this package stand for its tools, others are scripts that are put into the sandbox."""
    llm_name: str = ""
    llm_base_url: str | None = None
    demo_file: str | None = None
    other_args: dict[str, JsonValue] | None = None


def read_config(path: Path) -> AgentConfig:
    """Read a YAML file. Raises UsageError: it is not there, not YAML, or not of this shape."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read as an agent's configuration ({error})") from None
    return _parse(text, str(path))


def packaged_config(name: str) -> AgentConfig:
    """One of the configurations that come with this package: ``edit_fn_calling``, ``edit_non_fn_calling``, ``test_…``."""
    text = files("r2egym").joinpath("agenthub", "config", f"{name}.yaml").read_text(encoding="utf-8")
    return _parse(text, name)


def _parse(text: str, where: str) -> AgentConfig:
    import yaml

    try:
        value: Any = yaml.safe_load(text)
        return AgentConfig.model_validate(value)
    except yaml.YAMLError as error:
        raise UsageError(f"{where}: not YAML ({' '.join(str(error).split())})") from None
    except ValidationError as error:
        problem = error.errors()[0]
        key = ".".join(str(part) for part in problem["loc"]) or "the file"
        raise UsageError(f"{where}: {key}: {problem['msg']}") from None


def filled(template: str, values: Mapping[str, str]) -> str:
    """A template with its placeholders replaced.

    ``{{`` and ``}}`` are braces, as in Python's own format strings; a word in braces that is no placeholder of ours stays
    as it is, so that a prompt may show code.
    """

    def replaced(found: re.Match[str]) -> str:
        if found[1] is None:
            return found[0][0]
        return values.get(found[1], found[0])

    return _PLACEHOLDER.sub(replaced, template)
