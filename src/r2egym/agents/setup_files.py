"""What of a repository tells how it is set up, as an agent is shown it: the paths near the root, and the files that speak of it."""

from __future__ import annotations

import re

from r2egym.building.files import Files

_SPEAKING = (
    re.compile(r"([^/]+/)?(pyproject\.toml|setup\.py|setup\.cfg)"),
    re.compile(r"(tox\.ini|pytest\.ini|noxfile\.py|Pipfile|environment[^/]*\.ya?ml|Makefile|Dockerfile|conftest\.py)"),
    re.compile(r"([^/]+/)?[^/]*requirements?[^/]*\.(txt|in|pip)|requirements/[^/]+"),
    re.compile(r"\.github/workflows/[^/]*\.ya?ml|\.travis\.yml|\.circleci/config\.yml|azure-pipelines\.yml|appveyor\.yml"),
    re.compile(r"(README|INSTALL|CONTRIBUTING|DEVELOP)[^/]*|docs?/[^/]*install[^/]*", re.IGNORECASE),
)  # fmt: skip
"""Kinds of files, the most telling first."""
_ABOUT = re.compile(r"install|require|depend|test|build|python", re.IGNORECASE)
_PROSE = re.compile(r"\.(md|rst|txt)$|(^|/)[A-Z]+$")
_ONE, _ALL = 5_000, 30_000
_PATHS = 150
_DEEPEST = 2


def quoted(files: Files) -> str:
    """Paths and files, bounded."""
    near = sorted(path for path in files.paths if path.count("/") < _DEEPEST)
    more = f"\n… and {len(files.paths) - _PATHS} more" if len(files.paths) > _PATHS else ""
    parts = ["\n".join(near[:_PATHS]) + more]
    room = _ALL
    for pattern in _SPEAKING:
        for path in sorted(filter(pattern.fullmatch, files.paths), key=lambda path: (path.count("/"), path)):
            text = files.text(path)
            if _PROSE.search(path) and "requirement" not in path:
                text = _telling(text)
            text = text[: min(_ONE, room)].strip()
            room -= len(text)
            if text:
                parts.append(f"### {path}\n\n{text}")
    return "\n\n".join(parts)


def _telling(text: str) -> str:
    """The paragraphs of a text that speak of setting up."""
    return "\n\n".join(part for part in re.split(r"\n\s*\n", text) if _ABOUT.search(part))
