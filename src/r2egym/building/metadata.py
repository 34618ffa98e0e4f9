"""What a project says of itself, read without running it: ``pyproject.toml``, ``setup.cfg``, ``setup.py``, in this order.

``setup.py`` is read as far as it is plain: literals, names, sums of lists, the texts of files. What it computes is not
guessed; ``Project.unread`` names the fields that stayed unknown.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import Any

from packaging.utils import canonicalize_name

from r2egym.building import setup_script
from r2egym.building.files import Files
from r2egym.building.requirements import ini, parse_all, read_file
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


def read_project(files: Files) -> Project:
    """Everything that the files of a commit say of the project; later files fill what earlier ones leave open."""
    project = Project()
    for read in (_from_pyproject, _from_setup_cfg, _from_setup_py):
        project = _merge(project, read(files))
    return project


def _merge(first: Project, second: Project) -> Project:
    said = first.model_dump()
    for field, value in second.model_dump().items():
        if field in {"extras", "groups", "entry_points"}:
            said[field] = {**value, **said[field]}
        elif field == "unread":
            said[field] = tuple(name for name in value if not said.get(name))
        elif field == "origin":
            said[field] = " + ".join(part for part in (said[field], value) if part)
        elif not said[field]:
            said[field] = value
    return Project.model_validate(said)


# --- pyproject.toml ---------------------------------------------------------------------------------------------


def load_pyproject(files: Files) -> dict[str, Any]:
    """``pyproject.toml`` as it is; nothing when there is none or it cannot be read."""
    try:
        return tomllib.loads(files.text("pyproject.toml"))
    except ValueError:
        return {}


def _table(value: Any, *keys: str) -> dict[str, Any]:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def _from_pyproject(files: Files) -> Project:
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
    return _tops(packages), tuple(dict.fromkeys(roots))


def _tops(names: list[str]) -> tuple[str, ...]:
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


# --- setup.cfg and setup.py -------------------------------------------------------------------------------------


def _from_setup_cfg(files: Files) -> Project:
    sections = ini(files.text("setup.cfg"))
    metadata, options = sections.get("metadata", {}), sections.get("options", {})
    if not metadata and not options:
        return Project()
    version = metadata.get("version", "").strip()
    if version.startswith("file:"):
        version = files.text(version[5:].strip()).strip()
    extras = {
        name: tuple(parse_all(_lines(value)))
        for name, value in sections.get("options.extras_require", {}).items()
    }
    tests = tuple(parse_all(_lines(options.get("tests_require", ""))))
    find = sections.get("options.packages.find", {}).get("where", "")
    roots = [line.rpartition("=")[2].strip() for line in _lines(options.get("package_dir", ""))] + _lines(
        find
    )
    packages = [] if "find" in options.get("packages", "find") else _lines(options["packages"])
    points = {
        name: tuple(_lines(value))
        for name, value in sections.get("options.entry_points", {}).items()
        if _lines(value)
    }
    return Project(
        name=metadata.get("name", "").strip(),
        version="" if version.startswith("attr:") else version,
        requires_python=options.get("python_requires", "").strip(),
        dependencies=tuple(parse_all(_lines(options.get("install_requires", "")))),
        extras=extras,
        groups={"tests_require": tests} if tests else {},
        classifiers=tuple(_lines(metadata.get("classifiers", "") or metadata.get("classifier", ""))),
        entry_points=points,
        packages=_tops(packages + _lines(options.get("py_modules", ""))),
        roots=tuple(dict.fromkeys(roots)),
        origin="setup.cfg",
    )


def _lines(text: str) -> list[str]:
    """Lines of an INI value; entries on one line may be parted by ``;`` only when they are no markers."""
    lines = [line.split(" #")[0].strip() for line in text.splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


def _from_setup_py(files: Files) -> Project:
    if "setup.py" not in files.paths:
        return Project()
    said, unread = setup_script.read(files)
    if not said and not unread:
        return Project()
    tests = parse_all(_listed(said.get("tests_require")))
    points = said.get("entry_points")
    entry_points = points if isinstance(points, dict) else ini(points) if isinstance(points, str) else {}
    extras = said.get("extras_require") if isinstance(said.get("extras_require"), dict) else {}
    folders = said.get("package_dir") if isinstance(said.get("package_dir"), dict) else {}
    find = said.get("packages") if isinstance(said.get("packages"), setup_script.FindPackages) else None
    packages = _listed(said.get("packages")) + _listed(said.get("py_modules"))
    roots = [str(path) for name, path in (folders or {}).items() if name == "" and path]
    roots += [find.where] if find and find.where != "." else []
    return Project(
        name=_string(said.get("name")),
        version=_string(said.get("version")),
        requires_python=_string(said.get("python_requires")),
        dependencies=tuple(parse_all(_listed(said.get("install_requires")))),
        extras={str(name): tuple(parse_all(_listed(value))) for name, value in (extras or {}).items()},
        groups={"tests_require": tuple(tests)} if tests else {},
        classifiers=tuple(_listed(said.get("classifiers"))),
        entry_points={str(group): _points(value) for group, value in entry_points.items()},
        packages=_tops(packages),
        roots=tuple(dict.fromkeys(roots)),
        unread=tuple(_FIELDS[name] for name in unread if name in _FIELDS),
        origin="setup.py",
    )


_FIELDS = {
    "name": "name",
    "version": "version",
    "install_requires": "dependencies",
    "python_requires": "requires_python",
}


def _listed(value: object) -> list[str]:
    if isinstance(value, str):
        return value.split("\n")
    return [item for item in value if isinstance(item, str)] if isinstance(value, list | tuple) else []


def _string(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _points(value: object) -> tuple[str, ...]:
    if isinstance(value, dict):
        return tuple(f"{name} = {target}" for name, target in value.items() if target)
    return tuple(line.strip() for line in _listed(value) if "=" in line)


def same_name(first: str, second: str) -> bool:
    """Whether two project names are the same to an index."""
    return bool(first) and canonicalize_name(first) == canonicalize_name(second)
