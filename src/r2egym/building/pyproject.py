"""What ``pyproject.toml`` says of a project: PEP 621 and 735, and the tables of poetry, flit, pdm, hatch, setuptools and uv."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import Any

from r2egym.building.files import Files
from r2egym.building.requirements import parse_all, read_file
from r2egym.records import Record


class Project(Record):
    """A project's own words, put into one form."""

    name: str = ""
    version: str = ""
    requires_python: str = ""
    dependencies: tuple[str, ...] = ()
    extras: dict[str, tuple[str, ...]] = {}
    groups: dict[str, tuple[str, ...]] = {}
    """Dependency groups: PEP 735, poetry's, pdm's, hatch's environments, ``tests_require``."""
    classifiers: tuple[str, ...] = ()
    entry_points: dict[str, tuple[str, ...]] = {}
    """Group → ``name = module:object`` lines."""
    packages: tuple[str, ...] = ()
    """Top-level import names it declares."""
    roots: tuple[str, ...] = ()
    """Folders it declares to be on the path."""
    unread: tuple[str, ...] = ()
    """Fields that are computed when it is built."""
    origin: str = ""
    """The file that said it."""


def load_pyproject(files: Files) -> dict[str, Any]:
    """``pyproject.toml`` as it is, its ``tool`` being a table; nothing when there is none or it cannot be read."""
    try:
        data = tomllib.loads(files.text("pyproject.toml"))
    except (ValueError, RecursionError):
        return {}
    return {**data, "tool": _table(data, "tool")}


def _table(value: Any, *keys: str) -> dict[str, Any]:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def read_pyproject(files: Files) -> Project:
    """What ``pyproject.toml`` says; an empty record when there is none or it says nothing of the project."""
    data = load_pyproject(files)
    pep621 = _table(data, "project")
    tool = _table(data, "tool")
    if not pep621 and not any(tool.get(name) for name in ("poetry", "flit", "pdm", "hatch")):
        groups = _pep735(_table(data, "dependency-groups"))
        return Project(groups=groups, origin="pyproject.toml" if groups else "")
    poetry, flit = _table(tool, "poetry"), _table(tool, "flit", "metadata")
    dynamic = pep621.get("dynamic") if isinstance(pep621.get("dynamic"), list) else []
    dependencies = _strings(pep621.get("dependencies")) + _poetry_dependencies(_table(poetry, "dependencies"))
    if "dependencies" in (dynamic or []):
        sources = _table(tool, "setuptools", "dynamic", "dependencies").get("file", [])
        for path in [sources] if isinstance(sources, str) else _strings(sources):
            dependencies += read_file(files, path)
    packages, roots = _layout(tool)
    requires = pep621.get("requires-python") or flit.get("requires-python") or ""
    return Project(
        name=str(
            pep621.get("name") or poetry.get("name") or flit.get("dist-name") or flit.get("module") or ""
        ),
        version=str(pep621.get("version") or poetry.get("version") or ""),
        requires_python=str(requires) or _caret(_table(poetry, "dependencies").get("python", "")),
        dependencies=tuple(parse_all(dependencies + _strings(flit.get("requires")))),
        extras=_pyproject_extras(pep621, poetry, flit),
        groups=_pyproject_groups(data, tool, poetry),
        classifiers=tuple(
            _strings(pep621.get("classifiers") or poetry.get("classifiers") or flit.get("classifiers"))
        ),
        entry_points=_pyproject_entry_points(pep621, poetry, tool),
        packages=packages,
        roots=roots,
        origin="pyproject.toml",
    )


def _strings(value: object) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _layout(tool: dict[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Declared packages and the folders they lie in."""
    packages: list[str] = []
    roots: list[str] = []
    for entry in _table(tool, "poetry").get("packages", []):
        if isinstance(entry, dict) and isinstance(entry.get("include"), str):
            packages.append(entry["include"])
            roots.append(str(entry.get("from", ".")))
    setuptools = _table(tool, "setuptools")
    packages += _strings(setuptools.get("packages")) + _strings(setuptools.get("py-modules"))
    roots += [str(path) for path in _table(setuptools, "package-dir").values()]
    roots += _strings(_table(setuptools, "packages", "find").get("where"))
    for path in _strings(_table(tool, "hatch", "build", "targets", "wheel").get("packages")):
        folder, _, name = path.rstrip("/").rpartition("/")
        packages.append(name)
        roots.append(folder or ".")
    module = _table(tool, "flit", "module").get("name") or _table(tool, "flit", "metadata").get("module")
    packages += [module] if isinstance(module, str) else []
    return top_names(packages), tuple(dict.fromkeys(roots))


def top_names(names: list[str]) -> tuple[str, ...]:
    """Top-level parts of dotted names or paths, each once."""
    parts = (re.split(r"[./]", name)[0].removesuffix("*") for name in names)
    return tuple(dict.fromkeys(part for part in parts if part.isidentifier()))


def _pep735(table: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Dependency groups with the groups they include."""

    def expand(name: str, seen: frozenset[str]) -> list[str]:
        found: list[str] = []
        for entry in table.get(name, []) if isinstance(table.get(name), list) else []:
            if isinstance(entry, str):
                found.append(entry)
            elif isinstance(entry, dict) and (inner := str(entry.get("include-group", ""))) not in seen:
                found += expand(inner, seen | {inner})
        return found

    return {name: tuple(parse_all(expand(name, frozenset({name})))) for name in table}


def _pyproject_extras(
    pep621: dict[str, Any], poetry: dict[str, Any], flit: dict[str, Any]
) -> dict[str, tuple[str, ...]]:
    found = {
        name: parse_all(_strings(value)) for name, value in _table(pep621, "optional-dependencies").items()
    }
    found |= {name: parse_all(_strings(value)) for name, value in _table(flit, "requires-extra").items()}
    pinned = _table(poetry, "dependencies")
    for name, members in _table(poetry, "extras").items():
        chosen = {member: pinned[member] for member in _strings(members) if member in pinned}
        found[name] = _poetry_dependencies(chosen, optional=True)
    return {name: tuple(value) for name, value in found.items()}


def _pyproject_groups(
    data: dict[str, Any], tool: dict[str, Any], poetry: dict[str, Any]
) -> dict[str, tuple[str, ...]]:
    groups = dict(_pep735(_table(data, "dependency-groups")))
    for name, table in _table(poetry, "group").items():
        groups.setdefault(name, tuple(_poetry_dependencies(_table(table, "dependencies"))))
    if poetry.get("dev-dependencies"):
        groups.setdefault("dev", tuple(_poetry_dependencies(_table(poetry, "dev-dependencies"))))
    for name, lines in _table(tool, "pdm", "dev-dependencies").items():
        groups.setdefault(name, tuple(parse_all(_strings(lines))))
    for name, table in _table(tool, "hatch", "envs").items():
        lines = _strings(_table(table).get("dependencies")) + _strings(
            _table(table).get("extra-dependencies")
        )
        groups.setdefault("test" if name in {"default", "hatch-test"} else name, tuple(parse_all(lines)))
    if uv := _strings(_table(tool, "uv").get("dev-dependencies")):
        groups.setdefault("dev", tuple(parse_all(uv)))
    return {name: lines for name, lines in groups.items() if lines}


def _pyproject_entry_points(
    pep621: dict[str, Any], poetry: dict[str, Any], tool: dict[str, Any]
) -> dict[str, tuple[str, ...]]:
    tables = {
        "console_scripts": _table(pep621, "scripts")
        or _table(poetry, "scripts")
        or _table(tool, "flit", "scripts")
    }
    tables["gui_scripts"] = _table(pep621, "gui-scripts")
    tables |= {name: _table(table) for name, table in _table(pep621, "entry-points").items()}
    tables |= {name: _table(table) for name, table in _table(poetry, "plugins").items()}
    lines = {
        group: tuple(f"{name} = {value}" for name, value in table.items() if isinstance(value, str))
        for group, table in tables.items()
    }
    return {group: value for group, value in lines.items() if value}


def _poetry_dependencies(table: Mapping[str, Any], *, optional: bool = False) -> list[str]:
    """Poetry's tables as PEP 508."""
    found: list[str] = []
    for name, value in table.items():
        entry = (value[0] if value else {}) if isinstance(value, list) else value
        entry = {"version": entry} if isinstance(entry, str) else entry
        if name == "python" or not isinstance(entry, dict) or (entry.get("optional") and not optional):
            continue
        if any(key in entry for key in ("path", "git", "url")):
            continue
        extras = f"[{','.join(_strings(entry.get('extras')))}]" if entry.get("extras") else ""
        marker = f" ; {entry['markers']}" if entry.get("markers") else ""
        found += parse_all([f"{name}{extras}{_caret(entry.get('version', ''))}{marker}"])
    return found


def _caret(version: object) -> str:
    """Poetry's ``^1.2`` and ``~1.2`` as PEP 440 has them; alternatives (``||``) are not said, so any version will do."""
    if not isinstance(version, str) or version.strip() in {"", "*"} or "|" in version:
        return ""
    return ",".join(_one_caret(part.strip()) for part in version.split(",") if part.strip() not in {"", "*"})


def _one_caret(text: str) -> str:
    numbers = re.match(r"[\^~]\s*(\d+(?:\.\d+)*)", text)
    if not numbers or text.startswith("~="):
        return text if text[:1] in "<>=!~" else f"=={text}"
    parts = [int(part) for part in numbers[1].split(".")]
    if text.startswith("^"):
        at = next((index for index, part in enumerate(parts) if part), len(parts) - 1)
    else:
        at = min(1, len(parts) - 1)
    above = [*parts[:at], parts[at] + 1]
    return f">={numbers[1]},<{'.'.join(map(str, above))}"
