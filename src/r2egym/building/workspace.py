"""Repositories that hold several projects, each in a folder of its own: which of them a set of tests needs.

Needed is the project whose folder a test lies in, every project of the repository that a needed one depends on or whose
folder its requirement files name, and so on. They are installed together, by path; what they ask of the index is asked
for together, less what the repository itself provides.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Sequence

from packaging.utils import canonicalize_name

from r2egym.building.files import Files
from r2egym.building.metadata import read_project
from r2egym.building.pyproject import Project
from r2egym.building.requirements import name_of

_METADATA = ("pyproject.toml", "setup.py", "setup.cfg")
_NO_PROJECTS = frozenset(
    {"docs", "doc", "examples", "example", "benchmarks", "templates", "fixtures", "data"}
)
_DEEPEST = 4
_BY_PATH = re.compile(
    r"^\s*(?:-e|--editable)?\s*(?:file:)?(\.{0,2}/?[\w./-]+?)(?:\[[\w,\s-]+\])?\s*$", re.MULTILINE
)
Requirements = Callable[[Files, Project], Iterable[str]]
"""What the tests of a project need besides what it needs itself."""


def find_projects(files: Files) -> dict[str, Project]:
    """Folder → what the project in it says of itself, of every project below the root."""
    found = {}
    for path in sorted(files.paths):
        folder, _, name = path.rpartition("/")
        parts = folder.split("/")
        if not folder or name not in _METADATA or len(parts) > _DEEPEST or _NO_PROJECTS & set(parts):
            continue
        if folder not in found and (project := read_project(files.under(folder))).name:
            found[folder] = project
    return found


def needed_projects(files: Files, near: Sequence[str]) -> dict[str, Project]:
    """The projects that tests need, each by its folder; nothing where the root's own project is all there is.

    Args:
        files: the repository's.
        near: paths of the tests.
    """
    projects = find_projects(files)
    first = {folder for path in near if (folder := _home(path, projects))}
    if not first:
        return {}
    by_name: dict[str, str] = {
        canonicalize_name(project.name): folder for folder, project in projects.items()
    }
    needed: dict[str, Project] = {}
    pending = sorted(first)
    while pending:
        folder = pending.pop()
        if folder in needed:
            continue
        needed[folder] = project = projects[folder]
        asked = [*project.dependencies]
        if folder in first:
            asked += [
                line for lines in (*project.extras.values(), *project.groups.values()) for line in lines
            ]
            pending += _by_path(files, folder, projects)
        pending += [by_name[name] for line in asked if (name := name_of(line)) in by_name]
    return {folder: needed[folder] for folder in sorted(needed)}


def joined(files: Files, projects: dict[str, Project], near: Sequence[str], tests: Requirements) -> Project:
    """Several projects as one: what they ask for together, less each other; test needs of those with tests in ``near``."""
    own = {canonicalize_name(project.name) for project in projects.values()}

    def foreign(lines: Iterable[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(line for line in lines if name_of(line) not in own))

    needs = [line for project in projects.values() for line in project.dependencies]
    tested = {_home(path, projects) for path in near}
    test_needs = [
        line
        for folder, project in projects.items()
        if folder in tested
        for line in tests(files.under(folder), project)
    ]
    return Project(
        name=next(iter(projects.values())).name,
        requires_python=",".join(filter(None, (project.requires_python for project in projects.values()))),
        dependencies=foreign(needs),
        groups={"tests": foreign(test_needs)},
        classifiers=tuple(
            dict.fromkeys(line for project in projects.values() for line in project.classifiers)
        ),
        origin=" + ".join(f"{folder}/{project.origin}" for folder, project in projects.items()),
    )


def _home(path: str, projects: dict[str, Project]) -> str:
    """The project that a file belongs to: the deepest folder above it; empty for the root's."""
    folder = posixpath.dirname(path)
    while folder and folder not in projects:
        folder = posixpath.dirname(folder)
    return folder


def _by_path(files: Files, folder: str, projects: dict[str, Project]) -> list[str]:
    """Projects that the requirement files of a project name by their folders, from the root or from there."""
    texts = [
        files.text(path)
        for path in files.paths
        if posixpath.dirname(path) == folder and "requirements" in path and path.endswith((".txt", ".in"))
    ]
    named = [match for text in texts for match in _BY_PATH.findall(text)]
    places = [posixpath.normpath(place) for name in named for place in (name, posixpath.join(folder, name))]
    return [place for place in dict.fromkeys(places) if place in projects]
