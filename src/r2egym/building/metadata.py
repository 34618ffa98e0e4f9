"""What a project says of itself, read without running it: ``pyproject.toml``, ``setup.cfg``, ``setup.py``, in this order.

``setup.py`` is read as far as it is plain: literals, names, sums of lists, the texts of files. What it computes is not
guessed; ``Project.unread`` names the fields that stayed unknown.
"""

from __future__ import annotations

from packaging.utils import canonicalize_name

from r2egym.building import setup_script
from r2egym.building.files import Files
from r2egym.building.pyproject import Project, read_pyproject, top_names
from r2egym.building.requirements import ini, parse_all


def read_project(files: Files) -> Project:
    """Everything that the files of a commit say of the project; later files fill what earlier ones leave open."""
    project = Project()
    for read in (read_pyproject, _from_setup_cfg, _from_setup_py):
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
        packages=top_names(packages + _lines(options.get("py_modules", ""))),
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
    extras, folders, find = (
        _dict(said.get("extras_require")),
        _dict(said.get("package_dir")),
        said.get("packages"),
    )
    packages = _listed(said.get("packages")) + _listed(said.get("py_modules"))
    roots = [str(path) for name, path in folders.items() if name == "" and path]
    roots += [find.where] if isinstance(find, setup_script.FindPackages) and find.where != "." else []
    return Project(
        name=_string(said.get("name")),
        version=_string(said.get("version")),
        requires_python=_string(said.get("python_requires")),
        dependencies=tuple(parse_all(_listed(said.get("install_requires")))),
        extras={str(name): tuple(parse_all(_listed(value))) for name, value in extras.items()},
        groups={"tests_require": tuple(tests)} if tests else {},
        classifiers=tuple(_listed(said.get("classifiers"))),
        entry_points={str(group): _points(value) for group, value in entry_points.items()},
        packages=top_names(packages),
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


def _dict(value: object) -> dict[object, object]:
    return value if isinstance(value, dict) else {}


def _string(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _points(value: object) -> tuple[str, ...]:
    if isinstance(value, dict):
        return tuple(f"{name} = {target}" for name, target in value.items() if target)
    return tuple(line.strip() for line in _listed(value) if "=" in line)


def same_name(first: str, second: str) -> bool:
    """Whether two project names are the same to an index."""
    return bool(first) and canonicalize_name(first) == canonicalize_name(second)
