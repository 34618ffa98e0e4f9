"""The project itself as a layer: what an editable install without dependencies adds to the environment.

For pure Python (``install: path``) it is written by us, and nothing of the project runs: a ``.pth`` file that puts its
folders on the path, and a ``.dist-info`` so that ``importlib.metadata`` and its commands work. Otherwise (``editable``) the
project's own build runs in a build sandbox.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
from collections.abc import Sequence
from pathlib import Path

from packaging.version import InvalidVersion, Version

from r2egym.building.files import Files
from r2egym.building.interpreters import VENV
from r2egym.building.layers import LayerStore
from r2egym.building.metadata import read_project
from r2egym.building.pyproject import Project
from r2egym.records import Recipe

TESTBED = "/testbed"
_VERSION = re.compile(
    r"^\s*(?:__version__|VERSION|version)\s*(?::\s*\w+\s*)?=\s*['\"]([^'\"]+)['\"]", re.MULTILINE
)
_SCRIPT = """\
#!{venv}/bin/python
import sys
from {module} import {name}
if __name__ == "__main__":
    sys.exit({call}())
"""


def path_layer(store: LayerStore, recipe: Recipe, files: Files, described: str = "") -> Path:
    """The layer over :data:`VENV` that installs a pure Python project by path.

    Args:
        store: where it is kept; equal projects share one.
        recipe: says which folders go on the path.
        files: the commit's.
        described: the nearest tag, for projects whose version comes from git.
    """
    contents = _path_file(recipe)
    for folder in recipe.projects:
        own = files if folder == "." else files.under(folder)
        project = read_project(own)
        roots = [root for root in recipe.source_roots if folder == "." or f"{root}/".startswith(f"{folder}/")]
        version = _version(project, roots, recipe.packages, files, described)
        contents |= _installed(recipe, project, version, folder)
    key = hashlib.sha256(json.dumps([recipe.python, contents]).encode()).hexdigest()

    def build(folder: Path) -> None:
        for path, text in contents.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
            if path.startswith("bin/"):
                target.chmod(0o755)

    return store.layer("projects", key, build)


def _path_file(recipe: Recipe) -> dict[str, str]:
    """The file that puts every source root on the path."""
    roots = [
        TESTBED if root == "." else f"{TESTBED}/{root}" for root in recipe.source_roots if root.isprintable()
    ]
    return {
        f"lib/python{recipe.python}/site-packages/__project__.pth": "".join(f"{root}\n" for root in roots)
    }


def _installed(recipe: Recipe, project: Project, version: str, folder: str) -> dict[str, str]:
    """Every file that tells of one project, by path in the virtual environment."""
    site = f"lib/python{recipe.python}/site-packages"
    files: dict[str, str] = {}
    if not project.name or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", project.name):
        return files
    info = f"{site}/{re.sub(r'[-_.]+', '_', project.name)}-{version}.dist-info"
    files[f"{info}/METADATA"] = _metadata(project, version)
    files[f"{info}/INSTALLER"] = "r2egym\n"
    files[f"{info}/top_level.txt"] = "".join(f"{name}\n" for name in recipe.packages)
    files[f"{info}/direct_url.json"] = json.dumps(
        {"dir_info": {"editable": True}, "url": f"file://{posixpath.normpath(f'{TESTBED}/{folder}')}"}
    )
    if project.entry_points:
        groups = (f"[{group}]\n" + "\n".join(lines) + "\n" for group, lines in project.entry_points.items())
        files[f"{info}/entry_points.txt"] = "\n".join(groups)
    for line in project.entry_points.get("console_scripts", ()):
        if script := re.fullmatch(r"([\w.-]+)\s*=\s*([\w.]+)\s*:\s*([\w.]+)\s*(\[.*\])?", line):
            name, module, call = script[1], script[2], script[3]
            files[f"bin/{name}"] = _SCRIPT.format(
                venv=VENV, module=module, name=call.split(".")[0], call=call
            )
    listed = [
        *(path.removeprefix(f"{site}/") for path in (*_path_file(recipe), *files) if path.startswith(site)),
        f"{info[len(site) + 1 :]}/RECORD",
    ]
    files[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in listed)
    return files


def _metadata(project: Project, version: str) -> str:
    lines = ["Metadata-Version: 2.1", f"Name: {project.name}", f"Version: {version}"]
    lines += [f"Requires-Python: {project.requires_python}"] if project.requires_python else []
    lines += [f"Classifier: {text}" for text in project.classifiers]
    lines += [f"Requires-Dist: {text}" for text in project.dependencies]
    for extra, requirements in project.extras.items():
        lines.append(f"Provides-Extra: {extra}")
        for text in requirements:
            bare, _, marker = text.partition(";")
            condition = f"({marker.strip()}) and extra == '{extra}'" if marker else f"extra == '{extra}'"
            lines.append(f"Requires-Dist: {bare.strip()} ; {condition}")
    return "\n".join(line.replace("\n", " ") for line in lines) + "\n"


def _version(
    project: Project, roots: Sequence[str], packages: Sequence[str], files: Files, described: str
) -> str:
    """The project's version: as declared, else as its source says, else the nearest tag, else 0."""
    for text in (project.version, *_in_source(roots, packages, files), described, "0"):
        try:
            return str(Version(text))
        except InvalidVersion:
            continue
    return "0"


def _in_source(roots: Sequence[str], packages: Sequence[str], files: Files) -> list[str]:
    found: list[str] = []
    for root in roots:
        for name in packages:
            prefix = name if root == "." else f"{root}/{name}"
            for path in (
                "__init__.py",
                "__about__.py",
                "_version.py",
                "version.py",
                "__version__.py",
                "about.py",
            ):
                found += _VERSION.findall(files.text(f"{prefix}/{path}"))[:1]
            found += _VERSION.findall(files.text(f"{prefix}.py"))[:1]
    return found
