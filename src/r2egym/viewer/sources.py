"""What a path given to the viewer is: runs and datasets, found by their files, never by what those files say."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from r2egym.errors import UsageError
from r2egym.training.atif import VERSION

RUN = "run.json"
TRAJECTORIES = "trajectories.jsonl"
VERDICTS = "verdicts.jsonl"
TASKS = "tasks.parquet"
"""As :mod:`r2egym.tasks` writes it; that room is not imported where no dataset is open, for it is heavy."""
_OTHERS = frozenset({"rewards.jsonl", "predictions.jsonl", VERDICTS, "selection.jsonl"})
_NAME = re.compile(r"[^A-Za-z0-9._-]+")
_DEPTH = 2
_LARGEST = 16 << 20
"""Bytes of a configuration that is read."""


@dataclass(frozen=True, slots=True)
class RunSource:
    """A file of trajectories, and what lies beside it."""

    name: str
    """Unique among all that is open; letters, digits, ``._-``."""
    path: Path
    """The file of trajectories; may not be there yet."""
    folder: Path | None
    """The run's folder, when it is one that this package writes."""

    @property
    def is_one(self) -> bool:
        """Whether all of the file is one trajectory, over many lines maybe."""
        return self.path.suffix == ".json"

    @property
    def verdicts(self) -> Path | None:
        """Where verdicts stand."""
        return self.folder / VERDICTS if self.folder and not (self.folder / VERDICTS).is_symlink() else None

    def index_path(self, home: Path) -> Path:
        """Where its index belongs: beside it, or under ``home`` where that cannot be written."""
        beside = self.index_beside
        own = os.access(beside.parent, os.W_OK) and not beside.is_symlink()
        return beside if own else self.index_at(home)

    @property
    def index_beside(self) -> Path:
        """The place beside the file."""
        if self.folder:
            return self.folder / "index.sqlite"
        return self.path.with_name(f"{self.path.stem}.index.sqlite")

    def index_at(self, home: Path) -> Path:
        """The place under ``home``."""
        digest = hashlib.sha256(os.fsencode(self.path.absolute())).hexdigest()[:24]
        return home / "viewer" / f"{digest}.sqlite"

    def configuration(self) -> dict[str, Any]:
        """What ``run.json`` says; empty when there is none, or it cannot be read."""
        if self.folder is None or (self.folder / RUN).is_symlink():
            return {}
        try:
            with (self.folder / RUN).open("rb") as stream:
                said = json.loads(stream.read(_LARGEST))
        except (OSError, ValueError, RecursionError):
            return {}
        return said if isinstance(said, dict) else {}

    def is_running(self) -> bool:
        """Whether a process holds the lock of the run's journal. Asks without taking it."""
        if self.folder is None:
            return False
        try:
            with (self.folder / "journal" / "lock").open("rb") as stream:
                asked = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
                answer = fcntl.fcntl(stream, fcntl.F_GETLK, asked)
        except OSError:
            return False
        return bool(struct.unpack("hhqqi4x", answer)[0] != fcntl.F_UNLCK)


@dataclass(frozen=True, slots=True)
class DatasetSource:
    """Rows of tasks, and what lies beside them."""

    name: str
    path: Path
    """The parquet or JSONL file."""
    folder: Path


Source = RunSource | DatasetSource


def find_sources(paths: Iterable[Path]) -> tuple[Source, ...]:
    """Everything that these paths lead to, in their order, each once.

    A path is a run's folder, a dataset's folder, a JSONL file of trajectories, a parquet file, or a folder that holds some
    of these, at most two levels down. Links inside a folder are not followed.

    Raises:
        UsageError: a path leads to nothing that can be shown.
    """
    found: dict[Path, Source] = {}
    names: set[str] = set()
    for path in paths:
        here = list(_look(path, _DEPTH))
        if not here:
            raise UsageError(_nothing(path))
        for kind, file, folder in here:
            if file.absolute() in found:
                continue
            name = _unique(_plain(file, folder), names)
            source = RunSource(name, file, folder) if kind == "run" else None
            found[file.absolute()] = source or DatasetSource(name, file, folder or file.parent)
    return tuple(found.values())


def _nothing(path: Path) -> str:
    if not path.exists():
        return (
            f"{path}: no such file or folder; give a run's folder, a JSONL file of trajectories, or a dataset"
        )
    return (
        f"{path}: nothing to show: neither {TRAJECTORIES} nor {RUN} nor {TASKS} is in it; "
        "give a run's folder, a JSONL file of trajectories, or a dataset (links in a folder are not followed)"
    )


def _is_own(file: Path) -> bool:
    """Whether a file is there, and no link: what somebody sent must not show what lies elsewhere."""
    return file.is_file() and not file.is_symlink()


def _look(path: Path, depth: int) -> Iterator[tuple[str, Path, Path | None]]:
    if path.is_file():
        yield from _look_at_file(path)
    if not path.is_dir():
        return
    if _is_own(path / TASKS):
        yield "dataset", path / TASKS, path
    if _is_own(path / RUN) or _is_own(path / TRAJECTORIES):
        if not (path / TRAJECTORIES).is_symlink():
            yield "run", path / TRAJECTORIES, path
        return
    for inner in sorted(path.iterdir()):
        if inner.is_symlink() or inner.name.startswith("."):
            continue
        if inner.is_dir() and depth:
            yield from _look(inner, depth - 1)
        elif inner.suffix in {".json", ".jsonl"} and inner.name not in _OTHERS and _holds_trajectories(inner):
            yield "run", inner, None


def _look_at_file(path: Path) -> Iterator[tuple[str, Path, Path | None]]:
    if path.suffix == ".parquet":
        yield "dataset", path, None
    elif path.name == TRAJECTORIES and (path.parent / RUN).is_file():
        yield "run", path, path.parent
    elif path.suffix == ".json" and _holds_trajectories(path):
        yield "run", path, None
    elif path.suffix == ".jsonl":
        yield ("dataset" if _holds_rows(path) else "run"), path, None


def _beginning(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(4096)
    except OSError:
        return b""


def _holds_trajectories(path: Path) -> bool:
    begin = _beginning(path)
    return b'"trajectory_steps"' in begin or (b'"schema_version"' in begin and VERSION.encode() in begin)


def _holds_rows(path: Path) -> bool:
    begin = _beginning(path)
    columns = (b'"FAIL_TO_PASS"', b'"problem_statement"', b'"environment"')
    return b'"trajectory_steps"' not in begin and any(column in begin for column in columns)


def _plain(file: Path, folder: Path | None) -> str:
    """A short name: the folder's for what has one, the file's for what has none."""
    place = (folder or file.with_suffix("")).absolute()
    name = place.name if place.name not in {"tasks", "run"} else f"{place.parent.name}-{place.name}"
    return _NAME.sub("-", name).strip("-.") or "run"


def _unique(name: str, taken: set[str]) -> str:
    number, chosen = 2, name
    while chosen in taken:
        chosen, number = f"{name}-{number}", number + 1
    taken.add(chosen)
    return chosen
