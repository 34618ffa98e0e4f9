"""From a commit's files to recipes: how it may be set up and tested, the likeliest first.

Everything here is a pure function of file contents, the commit's time, and the Python versions at hand. Where test
requirements are written down in several places, the first that has any is believed, in this order: groups and extras
of ``pyproject.toml``, ``setup.cfg``, ``setup.py``; requirement files; tox; nox; CI. Further recipes join all places, then
none: the build tries them in turn.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from r2egym.building.files import Files
from r2egym.building.locks import read_locks
from r2egym.building.metadata import read_project, same_name
from r2egym.building.pyproject import Project, load_pyproject
from r2egym.building.pythons import PYTHON2, rank
from r2egym.building.requirements import (
    from_arguments,
    from_shell,
    from_tox,
    name_of,
    parse,
    read_file,
    without_tooling,
)
from r2egym.building.workspace import joined, needed_projects
from r2egym.errors import BuildError
from r2egym.records import Recipe

_TESTS = re.compile(r"(unit[-_]?)?(tests?|testing)([-_.]requires?|[-_]requirements)?|pytest|tests_require|ci")
_DEVELOPERS = re.compile(r"dev(el|elop|elopment|-dependencies)?|all")
_TEST_FILE = re.compile(r"(requirements?[-_./])?(requirements?[-_])?(tests?|testing)([-_]requirements?)?\.(txt|in|pip)"
                        r"|tests?/requirements?\.txt")  # fmt: skip
_DEVELOPER_FILE = re.compile(
    r"(requirements?[-_./])?(dev(el|elop|elopment)?|ci)([-_]requirements?)?\.(txt|in|pip)"
)
_PLUGINS = {
    "--cov": "pytest-cov", "-n": "pytest-xdist", "--numprocesses": "pytest-xdist", "--timeout": "pytest-timeout",
    "asyncio_mode": "pytest-asyncio", "--mypy": "pytest-mypy", "--benchmark": "pytest-benchmark",
    "--randomly": "pytest-randomly", "--reruns": "pytest-rerunfailures", "--asyncio": "pytest-asyncio",
    "--flake8": "pytest-flake8", "--black": "pytest-black", "--doctest-plus": "pytest-doctestplus",
}  # fmt: skip
"""Options in a pytest configuration, and the plugin without which pytest refuses them."""
NO_PACKAGES = {
    "tests",
    "test",
    "testing",
    "docs",
    "doc",
    "examples",
    "example",
    "benchmarks",
    "scripts",
    "tools",
    "misc",
}
"""Folders and modules that are not what a project is for."""
_COMPILED = (".c", ".cc", ".cpp", ".pyx", ".rs", ".f", ".f90")
_MOST = 8
_BEFORE_PYTHON2 = 2
"""How many recipes for Python 3 are tried before the one for Python 2.7 that a project names as well."""
Gather = Callable[[Files, Project, str], tuple[list[str], list[str]]]
"""Requirements, and extras of the project."""


def discover(
    files: Files,
    moment: float,
    pythons: Sequence[str],
    *,
    name: str = "",
    project: Project | None = None,
    near: Sequence[str] = (),
) -> tuple[Recipe, ...]:
    """Recipes for a commit, the likeliest first, at most eight.

    Args:
        files: the commit's files.
        moment: its committer time, seconds since 1970.
        pythons: versions at hand, ``MAJOR.MINOR``.
        name: the repository's name, in case the project does not say its own.
        project: what the project says of itself; None: read it from the files.
        near: paths of the tests, in case the repository holds several projects.

    Raises:
        BuildError: reason ``no-recipe`` (no Python in it) or ``no-python`` (none that the project allows is at hand).
    """
    if not any(path.endswith(".py") for path in files.paths):
        raise BuildError("no-recipe", "there is no Python file in this commit")
    parts = needed_projects(files, near)
    project = joined(files, parts, near, _tests_of) if parts else project or read_project(files)
    ranked = rank(list(pythons), files, project, moment)
    if not ranked:
        have = ", ".join(pythons) or "none"
        raise BuildError("no-python", f"it needs Python {project.requires_python}; at hand: {have}")
    roots, packages = _places(files, parts) if parts else find_packages(files, project, name)
    shape = Recipe(
        python=ranked[0],
        source_roots=roots,
        packages=packages,
        projects=tuple(parts) or (".",),
        origin=project.origin or "layout",
    )
    found: list[Recipe] = []
    for minor in ranked:
        for requirements, constraints, origin in _requirement_sets(files, project, minor):
            said = {
                "python": minor,
                "requirements": requirements,
                "constraints": constraints,
                "origin": origin,
            }
            found.append(shape.model_copy(update=said))
        if minor == ranked[0] and not parts and files.paths & {"setup.py", "pyproject.toml"}:
            found.append(found[0].model_copy(update={"install": "editable"}))
    return (*_second_language(_distinct(found))[: _MOST - 1], _with_unittest(found[0]))


def _second_language(recipes: list[Recipe]) -> list[Recipe]:
    """The same, with Python 2.7's likeliest recipe early enough to be tried, where it is not the first anyway."""
    older = [recipe for recipe in recipes if recipe.python == PYTHON2 != recipes[0].python][:1]
    others = [recipe for recipe in recipes if recipe not in older]
    return [*others[:_BEFORE_PYTHON2], *older, *others[_BEFORE_PYTHON2:]]


def _places(files: Files, parts: dict[str, Project]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Source roots and packages of several projects, from the repository's root."""
    roots: list[str] = []
    packages: list[str] = []
    for folder, project in parts.items():
        own, names = find_packages(files.under(folder), project, "")
        roots += [folder if root == "." else f"{folder}/{root}" for root in own]
        packages += names
    return tuple(dict.fromkeys(roots)), tuple(dict.fromkeys(packages))


def _tests_of(files: Files, project: Project) -> list[str]:
    """What the tests of one of several projects need: from the first place that says it."""
    for gather in (_from_metadata, _from_files):
        if found := gather(files, project, "")[0]:
            return without_tooling(found)
    return []


def _distinct(recipes: Iterable[Recipe]) -> list[Recipe]:
    kept: list[Recipe] = []
    for recipe in recipes:
        if recipe not in kept:
            kept.append(recipe)
    return kept


def _with_unittest(recipe: Recipe) -> Recipe:
    """The same without pytest: for an index that has none."""
    requirements = tuple(line for line in recipe.requirements if not name_of(line).startswith("pytest"))
    return recipe.model_copy(update={"runner": "unittest", "requirements": requirements})


# --- what is asked for ------------------------------------------------------------------------------------------


def _requirement_sets(
    files: Files, project: Project, minor: str
) -> Iterable[tuple[tuple[str, ...], tuple[str, ...], str]]:
    """Sets of requirements to try, with the versions that lock files pin, and where each comes from."""
    running = list(project.dependencies)
    if not running and (not project.name or "dependencies" in project.unread):
        running = read_file(files, "requirements.txt")
    gathered: list[list[str]] = []
    origins: list[str] = []
    for origin, gather in _PLACES:
        requirements, extras = gather(files, project, minor)
        requirements += [line for extra in extras for line in project.extras.get(extra, ())]
        requirements = [line for line in requirements if not same_name(name_of(line), project.name)]
        if requirements:
            gathered.append(requirements)
            origins.append(origin)
    plugins = _plugins(files)
    pins = read_locks(files)
    base = project.origin or "layout"
    # In Python 2's time every environment had it, and hardly a project said that it needs it.
    beside = ["setuptools"] if minor == PYTHON2 else []
    if gathered:
        first = _joined(running, without_tooling(gathered[0]), plugins, beside)
        if pins:
            yield first, pins, f"{base} + {origins[0]} + lock file"
        yield first, (), f"{base} + {origins[0]}"
        yield _joined(running, *gathered, plugins, beside), (), f"{base} + {' + '.join(origins)}"
    elif pins:
        yield _joined(running, plugins, beside), pins, f"{base} + lock file"
    yield _joined(running, plugins, beside), (), base


def _joined(*sets: Iterable[str]) -> tuple[str, ...]:
    """All requirements, pytest among them, each line once."""
    lines = list(dict.fromkeys(line for lines in sets for line in lines))
    if not any(name_of(line) == "pytest" for line in lines):
        lines.append("pytest")
    return tuple(sorted(lines))


def _from_metadata(files: Files, project: Project, minor: str) -> tuple[list[str], list[str]]:
    del files, minor
    tables = {**project.extras, **project.groups}
    for pattern in (_TESTS, _DEVELOPERS):
        names = [name for name in tables if pattern.fullmatch(name.lower())]
        if names:
            return [line for name in names for line in tables[name]], []
    return [], []


def _from_files(files: Files, project: Project, minor: str) -> tuple[list[str], list[str]]:
    del project, minor
    for pattern in (_TEST_FILE, _DEVELOPER_FILE):
        paths = sorted(path for path in files.paths if pattern.fullmatch(path.lower()))
        found = [line for path in paths for line in read_file(files, path)]
        if found:
            return found, []
    return [], []


def _from_tox(files: Files, project: Project, minor: str) -> tuple[list[str], list[str]]:
    del project
    return from_tox(files, minor)


def _from_nox(files: Files, project: Project, minor: str) -> tuple[list[str], list[str]]:
    del project, minor
    words: list[str] = []
    for session in re.split(r"^@nox", files.text("noxfile.py"), flags=re.MULTILINE):
        if re.search(r"def \w*test", session):
            for call in re.findall(r"session\.install\(([^)]*)\)", session):
                words += re.findall(r"[\"']([^\"']+)[\"']", call)
    return from_arguments(files, words)


def _from_ci(files: Files, project: Project, minor: str) -> tuple[list[str], list[str]]:
    del project, minor
    paths = sorted(
        p for p in files.paths if p.startswith(".github/workflows/") and p.endswith((".yml", ".yaml"))
    )
    requirements: list[str] = []
    extras: list[str] = []
    for path in (*paths, ".travis.yml", ".circleci/config.yml", "azure-pipelines.yml", "appveyor.yml"):
        if "test" in files.text(path):
            more = from_shell(files, files.text(path))
            requirements += more[0]
            extras += more[1]
    return requirements, extras


_PLACES: tuple[tuple[str, Gather], ...] = (
    ("test group", _from_metadata),
    ("requirements file", _from_files),
    ("tox.ini", _from_tox),
    ("noxfile.py", _from_nox),
    ("CI", _from_ci),
)


def _plugins(files: Files) -> list[str]:
    """Plugins that the pytest configuration cannot do without."""
    pyproject = load_pyproject(files).get("tool", {})
    texts = [str(pyproject.get("pytest", "")) if isinstance(pyproject, dict) else ""]
    texts += [files.text(name) for name in ("pytest.ini", ".pytest.ini")]
    for name in ("tox.ini", "setup.cfg"):
        texts += re.findall(r"^\[(?:tool:)?pytest\]\n((?:[^\[].*\n?|\n)*)", files.text(name), re.MULTILINE)
    text = "\n".join(re.sub(r"#.*", "", part) for part in texts)
    found = [
        plugin for option, plugin in _PLUGINS.items() if re.search(rf"(?<![\w-]){option}(?![a-zA-Z])", text)
    ]
    found += [line for name in re.findall(r"required_plugins'?\s*[=:]\s*\[?'?([^\]\n]*)", text)
              for line in map(parse, re.split(r"[\s',]+", name)) if line]  # fmt: skip
    return list(dict.fromkeys(found))


def has_extension(files: Files) -> bool:
    """Whether there is anything to compile: code in C, C++, Cython, Rust or Fortran outside tests and documents."""
    return any(
        path.endswith(_COMPILED) and not {"tests", "test", "docs", "doc", "examples"} & set(path.split("/"))
        for path in files.paths
    )


# --- where its packages are -------------------------------------------------------------------------------------


def find_packages(files: Files, project: Project, name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Folders from which its packages are imported, and the import names it provides."""
    roots = [root.strip("/") or "." for root in project.roots]
    roots = [
        root.removeprefix("./")
        for root in roots
        if root == "." or any(p.startswith(root) for p in files.paths)
    ]
    for guess in ("src", "lib", "."):
        if not roots and (files.packages(guess) or (guess == "." and files.modules())):
            roots = [guess]
    there = {found for root in roots for found in (*files.packages(root), *files.modules(root))}
    packages = [found for found in project.packages if found in there]
    if not packages:
        wanted = {re.sub(r"[-_.]+", "_", text).lower() for text in (project.name, name) if text}
        wanted |= {text.removeprefix("python_").removesuffix("_python") for text in wanted}
        packages = sorted(found for found in there if found.lower() in wanted)
    if not packages:
        folders = {found for root in roots for found in files.packages(root)}
        packages = sorted(folders - NO_PACKAGES)[:3]
    return tuple(dict.fromkeys(roots)) or (".",), tuple(packages)
