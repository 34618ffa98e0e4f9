"""Reading requirements wherever projects write them down: as text, never by running anything."""

from __future__ import annotations

import configparser
import posixpath
import re
import shlex
from collections.abc import Iterable, Sequence

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from r2egym.building.files import Files

TOOLING = re.compile(
    r"tox(-.*)?|nox|pre-commit|flake8(-.*)?|black|isort|(data-)?mypy|ruff|pylint|pyright|pycodestyle|pydocstyle|sphinx(-.*)?"
    r"|sphinxcontrib-.*|mkdocs(-.*)?|furo|myst-.*|doc8|twine|build|bump2version|bumpversion|tbump|towncrier|codecov|coveralls"
    r"|check-manifest|commitizen|cruft|cookiecutter|ipython|ipdb|jupyter(lab)?|notebook|virtualenv|pip-tools|uv|poetry|hatch"
    r"|pdm|flit|zest-releaser|types-.*|pip|reno|releases|invoke|docutils|check-wheel-contents|zizmor|codespell|wheel"
    r"|coverage|pytest-cov|pytest-(sugar|html|github-actions-annotate-failures|codspeed)|setuptools-scm|validate-pyproject.*"
)
"""What developers install that hardly a test needs: linters, builders, reporters. Where a pytest configuration asks for one
of them, it is put back."""
_PIP = re.compile(r"""\bpip3?\s+install\s+((?:'[^'\n]*'|"[^"\n]*"|[^\n|;&<>'"])+)""")
_DRIVEN = {"pytest", "py", "pluggy"}
_OLDEST_RUNNER = Version("4.6")
_DEEPEST = 5


def parse(line: str) -> str | None:
    """A requirement as an index can satisfy it, in one form; None for what is none (options, paths, addresses)."""
    text = re.split(r"\s+#|\s--hash", line.strip(), maxsplit=1)[0].strip().rstrip("\\").strip()
    if not text or text.startswith(("#", "-", ".", "/", "git+", "http:", "https:", "file:", "{")):
        return None
    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        return None
    return None if requirement.url else str(requirement)


def name_of(requirement: str) -> str:
    """The normalised project name of a requirement that :func:`parse` gave."""
    return canonicalize_name(Requirement(requirement).name)


def parse_all(lines: Iterable[object]) -> list[str]:
    """All requirements among ``lines``, in order, each once."""
    found = (parse(line) for line in lines if isinstance(line, str))
    return list(dict.fromkeys(requirement for requirement in found if requirement))


def without_tooling(requirements: Iterable[str]) -> list[str]:
    """Those that a test might need; a pin to a pytest that is too old to be driven becomes any pytest of its time."""
    kept = [requirement for requirement in requirements if not TOOLING.fullmatch(name_of(requirement))]
    pins = [line for line in kept if name_of(line) == "pytest"]
    if pins and not any(Requirement(line).specifier.contains("9999") or _drivable(line) for line in pins):
        kept = [line for line in kept if name_of(line) not in _DRIVEN] + ["pytest"]
    return kept


def _drivable(requirement: str) -> bool:
    versions = [Version(part.version.rstrip(".*")) for part in Requirement(requirement).specifier]
    return any(version >= _OLDEST_RUNNER for version in versions)


def read_file(files: Files, path: str, depth: int = 0) -> list[str]:
    """The requirements of a ``requirements.txt``, those it includes among them."""
    found: list[str] = []
    text = re.sub(r"\\\r?\n", " ", files.text(path))
    for line in text.splitlines():
        option = re.match(r"\s*(?:-r|--requirement)[\s=]*(\S+)", line)
        if option and depth < _DEEPEST:
            found += read_file(
                files, posixpath.normpath(posixpath.join(posixpath.dirname(path), option[1])), depth + 1
            )
        else:
            found += parse_all([line])
    return list(dict.fromkeys(found))


def from_arguments(files: Files, words: Sequence[str]) -> tuple[list[str], list[str]]:
    """What ``pip install WORDS`` asks for: requirements, and extras of the project itself."""
    found: list[str] = []
    extras: list[str] = []
    rest = iter(words)
    for word in rest:
        if own := re.fullmatch(r"(?:file://)?\.?/?\.?\[([\w ,.-]+)\]", word):
            extras += [name.strip() for name in own[1].split(",")]
        elif word in {"-r", "--requirement"}:
            found += read_file(files, _local(next(rest, "")))
        elif word.startswith("-r"):
            found += read_file(files, _local(word[2:]))
        elif word in {
            "-c",
            "--constraint",
            "-i",
            "--index-url",
            "--extra-index-url",
            "-f",
            "--find-links",
            "-e",
            "-t",
        }:
            value = next(rest, "")
            if word == "-e" and (own := re.fullmatch(r"\.?/?\.?\[([\w ,.-]+)\]", value)):
                extras += [name.strip() for name in own[1].split(",")]
        else:
            found += parse_all([word])
    return found, extras


def from_tox(files: Files, minor: str) -> tuple[list[str], list[str]]:
    """Dependencies and extras of tox's default environment, as far as they hold for Python ``minor``."""
    section = ini(files.text("tox.ini")).get("testenv", {}) or ini(files.text("setup.cfg")).get(
        "tox:testenv", {}
    )
    lines: list[str] = []
    for line in section.get("deps", "").splitlines():
        factors, _, requirement = line.rpartition(": ")
        if not factors or _holds(factors, minor):
            lines.append((requirement if factors else line).strip())
    words = [word for line in lines for word in _words_of_line(line)]
    found, extras = from_arguments(files, words)
    return found, extras + section.get("extras", "").replace(",", " ").split()


def from_shell(files: Files, text: str) -> tuple[list[str], list[str]]:
    """What the ``pip install`` commands in a CI file ask for."""
    found: list[str] = []
    extras: list[str] = []
    for match in _PIP.finditer(text):
        try:
            words = shlex.split(match[1].strip().rstrip("'\""), comments=True)
        except ValueError:
            continue
        if any("$" in word for word in words):
            words = [word for word in words if "$" not in word]
        requirements, more = from_arguments(files, words)
        found += requirements
        extras += more
    return list(dict.fromkeys(found)), list(dict.fromkeys(extras))


def ini(text: str) -> dict[str, dict[str, str]]:
    """Sections of an INI file; nothing when it cannot be read."""
    parser = configparser.RawConfigParser(strict=False, allow_no_value=True, default_section="\0")
    try:
        parser.read_string(text)
    except configparser.Error:
        return {}
    return {name: {key: value or "" for key, value in parser.items(name)} for name in parser.sections()}


def _words_of_line(line: str) -> list[str]:
    option = re.match(r"(-[rce])\s*(\S+)", line)
    return [option[1], option[2]] if option else [line]


def _holds(factors: str, minor: str) -> bool:
    wanted = f"py{minor.replace('.', '')}"
    names = re.split(r"[,{}\s]+", factors)
    return any(name == wanted or name in {f"py{minor[0]}", "test", "tests"} for name in names)


def _local(path: str) -> str:
    return posixpath.normpath(re.sub(r"^(\{toxinidir\}|\$\{?\w+\}?)/", "", path.strip()))
