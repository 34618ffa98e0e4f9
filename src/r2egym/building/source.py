"""What an index offers: pages of files, each with its hash and the moment it was uploaded; and a folder that does."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from packaging.version import InvalidVersion, Version
from pydantic import BaseModel

from r2egym.errors import TaskError


class IndexFile(BaseModel):
    """One file that the index offers."""

    filename: str
    url: str
    sha256: str = ""
    uploaded: float = 0.0
    """Seconds since 1970; 0: it was always there."""
    requires_python: str | None = None
    metadata: str | bool = False
    """SHA-256 of its metadata, or whether there is some apart from it."""
    yanked: bool | str = False


class Page(BaseModel):
    """All files of one project."""

    name: str
    fetched: float
    """Seconds since 1970."""
    files: list[IndexFile]


class Source(Protocol):
    """Where an index's pages and files come from."""

    identity: str
    """Names it in cache keys."""

    def page(self, name: str, moment: float) -> Page | None:
        """A project's page, true at least for ``moment``; None when there is no such project. Raises TaskError."""
        ...

    def file(self, file: IndexFile, *, metadata: bool = False) -> Path:
        """A file of a page, or its metadata, checked against its hash. Raises TaskError."""
        ...


class WheelFolder:
    """An index made of a folder of wheels with ``uploads.json``: ``{file name: RFC 3339 upload time}``."""

    def __init__(self, folder: Path) -> None:
        """Read the folder. Raises TaskError when it is none, or its ``uploads.json`` cannot be read."""
        if not folder.is_dir():
            raise TaskError(f"{folder}: no such folder of wheels")
        uploads = folder / "uploads.json"
        try:
            times: dict[str, str] = json.loads(uploads.read_text()) if uploads.exists() else {}
            moments = {name: parse_time(text) for name, text in times.items()}
        except (ValueError, AttributeError, TypeError) as error:
            raise TaskError(f"{uploads}: not a map of file names to RFC 3339 times ({error})") from None
        self._paths: dict[str, Path] = {}
        self._pages: dict[str, list[IndexFile]] = {}
        for path in sorted(folder.glob("*.whl")):
            name = normalized(path.name.split("-", 1)[0])
            self._paths[path.name] = path
            file = IndexFile(
                filename=path.name, url="", sha256=file_digest(path), uploaded=moments.get(path.name, 0.0)
            )
            self._pages.setdefault(name, []).append(file)
        listed = [(name, file.sha256, file.uploaded) for name, page in self._pages.items() for file in page]
        self.identity = hashlib.sha256(repr(listed).encode()).hexdigest()[:12]

    def page(self, name: str, moment: float) -> Page | None:  # noqa: ARG002 - a folder is always up to date
        """See :class:`Source`."""
        files = self._pages.get(name)
        return Page(name=name, fetched=float("inf"), files=files) if files else None

    def file(self, file: IndexFile, *, metadata: bool = False) -> Path:
        """See :class:`Source`."""
        if metadata or file.filename not in self._paths:
            raise TaskError(f"the wheel folder has no such file: {file.filename}")
        return self._paths[file.filename]


def normalized(name: str) -> str:
    """A project's name as an index has it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def version_of(name: str, filename: str) -> str:
    """The version that a wheel's or a source archive's name gives a project; empty when it is none of this project."""
    wheel = filename.endswith(".whl")
    stem = re.sub(r"\.(whl|zip|tar\.(gz|bz2|xz|Z)|tgz)$", "", filename)
    if stem == filename:
        return ""
    parts = stem.split("-")
    for at in range(1, len(parts)):
        if normalized("-".join(parts[:at])) == name:
            text = parts[at] if wheel else "-".join(parts[at:])
            try:
                return str(Version(text))
            except InvalidVersion:
                return text
    return ""


def parse_time(text: str) -> float:
    """Seconds since 1970 of an RFC 3339 time. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def file_digest(path: Path) -> str:
    """SHA-256 of a file, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
