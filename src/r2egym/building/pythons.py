"""Which Python a commit was written for, newest plausible first among those at hand."""

from __future__ import annotations

import re
import warnings
from datetime import UTC, datetime

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from r2egym.building.dates import released
from r2egym.building.files import Files
from r2egym.building.pyproject import Project, load_pyproject
from r2egym.mining.syntax import parse_python

_CLASSIFIER = re.compile(r"Programming Language :: Python :: ([23](?:\.\d+)?)(?: :: Only)?\s*$")
_CI = re.compile(
    r"\.github/workflows/.*\.ya?ml|\.travis\.yml|\.circleci/config\.yml|azure-pipelines\.yml|appveyor\.yml"
)

PYTHON2 = "2.7"
_PYTHON2_ENDS = datetime(2020, 6, 1, tzinfo=UTC).timestamp()
"""Later commits are for Python 3, whatever they say."""
_GRAMMAR = (3, 8)
"""Of the Python 3 that commits of Python 2's time could have been written for."""
_ASIDE = re.compile(
    r"(^|/)(tests?|testing|docs?|examples?|samples?|tools?|scripts?|[^/]*(template|2)[^/]*|[^/]*[{{ ][^/]*)(/|\.py$)"
)
"""Where files lie that need not be code of this project's Python."""
_LATER = 2


def rank(candidates: list[str], files: Files, project: Project, moment: float) -> list[str]:
    """Those of ``candidates`` (``MAJOR.MINOR``) that the project allows, the likeliest first.

    Before all come versions that were out at the commit's time and that classifiers, tox or CI name; then others that
    were out; both newest first. Versions that came later follow, oldest first. Python 2.7 is among them for commits of its
    time only: first, where no Python 3 can be right; after those of the commit's own time, where the project names it.
    """
    allowed = [minor for minor in candidates if _allows(project.requires_python, minor)]
    named = declared(files, project)

    def place(minor: str) -> tuple[int, float]:
        age = released(minor)
        if age > moment:
            return _LATER, age
        return (0 if not named or minor in named else 1), -age

    ranked = sorted((minor for minor in allowed if minor != PYTHON2), key=place)
    if PYTHON2 not in allowed or moment >= _PYTHON2_ENDS:
        return ranked
    if not ranked or not_python3(files, named):
        return [PYTHON2]
    own = any(minor.startswith("2") for minor in named)
    if _converted(files) or (own and not any(minor.startswith("3") for minor in named)):
        return [PYTHON2, *ranked]
    at = max(1, sum(place(minor)[0] < _LATER for minor in ranked))
    return [*ranked[:at], PYTHON2, *ranked[at:]] if own else ranked


def not_python3(files: Files, named: set[str]) -> bool:
    """Whether some module of a project that names no Python 3 is none of Python 3's."""
    if any(minor.startswith("3") for minor in named):
        return False
    paths = sorted(path for path in files.paths if path.endswith(".py") and not _ASIDE.search(path))
    return not all(_compiles(files.text(path)) for path in sorted(paths, key=lambda path: path.count("/")))


def _compiles(text: str) -> bool:
    """Whether a text is Python 3; what names something ``async`` or ``await`` was, until 3.7."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            parse_python(text, feature_version=_GRAMMAR)
    except SyntaxError as error:
        return bool(re.search(r"\b(async|await)\b", error.text or ""))
    except (ValueError, RecursionError, MemoryError):
        return True
    return True


def _converted(files: Files) -> bool:
    """Whether what lies in the repository is Python 2, from which Python 3's is made."""
    return bool(re.search(r"use_2to3|build_py_2to3|lib2to3", files.text("setup.py")))


def declared(files: Files, project: Project) -> set[str]:
    """Versions that classifiers, tox, nox or CI files name, ``2`` and ``3`` among them."""
    classifiers = project.classifiers or re.findall(
        r"Programming Language ::[^'\"\n]*", files.text("setup.py")
    )
    found = {match[1] for line in classifiers if (match := _CLASSIFIER.match(line))}
    tox = files.text("tox.ini") + str(load_pyproject(files).get("tool", {}).get("tox", ""))
    for line in re.findall(r"env_?list\s*=((?:.*\n?)(?:[ \t]+.*\n?)*)", tox):
        for group in re.findall(r"py\{?([\d,]+)\}?|py3\{([\d,]+)\}", line):
            found |= {
                f"{number[0]}.{number[1:]}"
                for number in group[0].split(",")
                if number.startswith(("2", "3")) and len(number) > 1
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
        if re.search(r"python|^\s*-\s*['\"]?[23]\.\d+['\"]?\s*$|py:|PYTHON", line)
    ]
    return {
        number for line in lines for number in re.findall(r"(?<![\d.])(2\.[4-7]|3\.\d{1,2})(?![\d.])", line)
    }


def _allows(requires: str, minor: str) -> bool:
    try:
        wanted = SpecifierSet(requires)
    except InvalidSpecifier:
        return True
    return any(wanted.contains(f"{minor}.{patch}", prereleases=True) for patch in (0, 99))
