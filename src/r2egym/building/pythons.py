"""Which Python a commit was written for, newest plausible first among those at hand."""

from __future__ import annotations

import re

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from r2egym.building.dates import released
from r2egym.building.files import Files
from r2egym.building.pyproject import Project, load_pyproject

_CLASSIFIER = re.compile(r"Programming Language :: Python :: (3\.\d+)\s*$")
_CI = re.compile(
    r"\.github/workflows/.*\.ya?ml|\.travis\.yml|\.circleci/config\.yml|azure-pipelines\.yml|appveyor\.yml"
)


def rank(candidates: list[str], files: Files, project: Project, moment: float) -> list[str]:
    """Those of ``candidates`` (``MAJOR.MINOR``) that the project allows, the likeliest first.

    Before all come versions that were out at the commit's time and that classifiers, tox or CI name; then others that
    were out; both newest first. Versions that came later follow, oldest first.
    """
    allowed = [minor for minor in candidates if _allows(project.requires_python, minor)]
    named = declared(files, project)

    def place(minor: str) -> tuple[int, float]:
        age = released(minor)
        if age > moment:
            return 2, age
        return (0 if not named or minor in named else 1), -age

    return sorted(allowed, key=place)


def declared(files: Files, project: Project) -> set[str]:
    """Versions that classifiers, tox, nox or CI files name."""
    found = {match[1] for line in project.classifiers if (match := _CLASSIFIER.match(line))}
    tox = files.text("tox.ini") + str(load_pyproject(files).get("tool", {}).get("tox", ""))
    for line in re.findall(r"env_?list\s*=((?:.*\n?)(?:[ \t]+.*\n?)*)", tox):
        for group in re.findall(r"py\{?([\d,]+)\}?|py3\{([\d,]+)\}", line):
            found |= {
                f"3.{number[1:]}"
                for number in group[0].split(",")
                if number.startswith("3") and len(number) > 1
            }
            found |= {f"3.{number}" for number in group[1].split(",") if number}
    for path in files.paths:
        if _CI.fullmatch(path) or path == "noxfile.py":
            found |= _versions(files.text(path))
    return found


def _versions(text: str) -> set[str]:
    lines = [
        line
        for line in text.splitlines()
        if re.search(r"python|^\s*-\s*['\"]?3\.\d+['\"]?\s*$|py:|PYTHON", line)
    ]
    return {f"3.{number}" for line in lines for number in re.findall(r"(?<![\d.])3\.(\d{1,2})(?![\d])", line)}


def _allows(requires: str, minor: str) -> bool:
    try:
        wanted = SpecifierSet(requires)
    except InvalidSpecifier:
        return True
    return any(wanted.contains(f"{minor}.{patch}", prereleases=True) for patch in (0, 99))
