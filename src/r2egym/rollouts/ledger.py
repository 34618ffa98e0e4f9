"""A run's folder, and what is written into it when.

``journal/`` holds every answer, outcome and reward before anything follows from it; ``trajectories.jsonl``, ``rewards.jsonl`` and
``predictions.jsonl`` hold one line an ended attempt. An attempt has ended when the journal says so, and says how long the three
files were then: what stands in them beyond that was written by a controller that died before anybody was told, and is cut.
Steps of ended attempts are dropped from the journal when a run ends or is opened again.
"""

from __future__ import annotations

import json
import os
import secrets
import threading
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from pydantic import JsonValue

from r2egym.errors import UsageError
from r2egym.jobs import Journal
from r2egym.records import Trajectory, content_hash
from r2egym.rollouts.lines import FILES, Lines, Summary, summarise, texts, without
from r2egym.tasks.store import write_json

RUN = "run.json"
Line = dict[str, Any]
"""A record of the journal."""


class Scribe(Protocol):
    """Where an attempt writes down what happens. May be on another machine.

    Who works on an attempt holds a lease, and every record carries its number: when a machine that was given up writes
    after all, nobody listens.
    """

    def claim(self, identity: str) -> tuple[int, list[Line]]:
        """A new lease, and what was written under earlier ones, oldest first."""
        ...

    def append(self, line: Line) -> None:
        """Write a record down; it is on disk when this returns.

        Raises:
            StoppedError: the run is to end, or another holds the lease by now.
        """
        ...

    def finish(self, trajectory: Trajectory, lease: int) -> Summary:
        """Write an ended attempt down. Raises StoppedError likewise."""
        ...


class StoppedError(Exception):
    """The run is to end; the attempt is taken up again by the next one."""


class Ledger:
    """A run's folder, opened for writing. Safe for threads. Use it in a ``with`` block.

    Args:
        folder: made when it is not there.
        configuration: what ``run.json`` says; its ``terms`` must be those of an earlier start.
        retry_masked: forget the attempts that ended without a reward, so that they are run again.

    Raises:
        UsageError: another process writes to it, it holds another run, or something else.
    """

    def __init__(self, folder: Path, configuration: dict[str, Any], *, retry_masked: bool = False) -> None:
        self.folder = folder
        _check(folder, configuration)
        self._journal = Journal(folder / "journal")
        try:
            self.ended: dict[str, Summary] = {}
            self._pending: dict[str, list[Line]] = {}
            self._leases: dict[str, int] = {}
            sizes = self._read()
            if retry_masked:
                sizes = self._forget_masked(sizes)
            self._streams = [Lines(folder / name, size) for name, size in zip(FILES, sizes, strict=True)]
            self._compact()
            write_json(folder / RUN, configuration)
        except BaseException:
            self._journal.close()
            raise
        self._lock = threading.Lock()
        self._stopped = threading.Event()

    # --- a scribe -----------------------------------------------------------------------------------------------

    def claim(self, identity: str) -> tuple[int, list[Line]]:
        """See :class:`Scribe`."""
        with self._lock:
            lease = self._leases.get(identity, 0) + 1
            self._leases[identity] = lease
        if lease == 1:
            return lease, self._pending.pop(identity, [])
        return lease, [line for line in map(_line, self._journal.records()) if line["id"] == identity]

    def append(self, line: Line) -> None:
        """See :class:`Scribe`."""
        if self._stopped.is_set() or self._leases.get(line["id"]) != line["lease"]:
            raise StoppedError
        self._journal.append(line)

    def finish(self, trajectory: Trajectory, lease: int) -> Summary:
        """See :class:`Scribe`. An attempt that has ended already stays as it is."""
        summary = summarise(trajectory)
        lines = texts(trajectory)
        identity = trajectory.identity
        with self._lock:
            if identity in self.ended:
                return self.ended[identity]
            if self._stopped.is_set() or self._leases.get(identity) != lease:
                raise StoppedError
            for stream, text in zip(self._streams, lines, strict=True):
                stream.add(text)
            sizes: list[JsonValue] = [stream.size for stream in self._streams]
            told = summary.model_dump(mode="json")
            self._journal.append({"kind": "end", "id": identity, "sizes": sizes, "summary": told})
            self.ended[identity] = summary
        return summary

    # --- a run --------------------------------------------------------------------------------------------------

    def stop(self) -> None:
        """Take nothing more; whoever writes gets StoppedError."""
        self._stopped.set()

    def close(self) -> None:
        """Give the folder back; twice is safe."""
        self.stop()
        with self._lock:
            for stream in self._streams:
                stream.close()
            self._journal.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None and not self._stopped.is_set():
            self._compact()
        self.close()

    def _read(self) -> list[int]:
        """Sort what the journal holds; the lengths of the three files."""
        sizes = [0] * len(FILES)
        rewritten = ""
        for record in self._journal.records():
            line = _line(record)
            if line["kind"] == "rewritten":
                sizes, rewritten = line["sizes"], line["id"]
            elif line["kind"] == "end":
                sizes = line["sizes"]
                self.ended[line["id"]] = Summary.model_validate(line["summary"])
                self._pending.pop(line["id"], None)
            elif line["id"] not in self.ended:
                self._pending.setdefault(line["id"], []).append(line)
        self._settle(rewritten)
        return sizes

    def _forget_masked(self, sizes: list[int]) -> list[int]:
        """Take the attempts without a reward out of everything; the journal's new version decides whether it has happened."""
        masked = {identity for identity, one in self.ended.items() if one.failure is not None}
        if not masked:
            return sizes
        token = secrets.token_hex(4)
        shorter = []
        for name, size in zip(FILES, sizes, strict=True):
            with _aside(self.folder / name, token).open("wb") as stream:
                shorter.append(sum(stream.write(line) for line in without(self.folder / name, size, masked)))
                stream.flush()
                os.fsync(stream.fileno())
        self.ended = {identity: one for identity, one in self.ended.items() if identity not in masked}

        def kept() -> Iterator[JsonValue]:
            for record in self._journal.records():
                line = _line(record)
                if line["id"] not in masked and line["kind"] != "rewritten":
                    yield record
            yield {"kind": "rewritten", "id": token, "sizes": list[JsonValue](shorter)}

        self._journal.replace(kept())
        self._settle(token)
        return shorter

    def _settle(self, token: str) -> None:
        """Put rewritten files in place if the journal knows of them, and remove what a killed controller left of others."""
        for name in FILES:
            path = self.folder / name
            for found in self.folder.glob(f"{name}.*.new"):
                if found == _aside(path, token):
                    found.replace(path)
                else:
                    found.unlink()

    def _compact(self) -> None:
        """Keep of ended attempts only that they ended."""
        if not self.ended:
            return

        def kept() -> Iterator[JsonValue]:
            for record in self._journal.records():
                line = _line(record)
                if line["kind"] in {"end", "rewritten"} or line["id"] not in self.ended:
                    yield record

        self._journal.replace(kept())


def _aside(path: Path, token: str) -> Path:
    return path.with_name(f"{path.name}.{token}.new")


def _check(folder: Path, configuration: dict[str, Any]) -> None:
    """Refuse a folder that holds anything else than the same run."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder; --out takes a run's folder")
    try:
        found = json.loads((folder / RUN).read_text(encoding="utf-8"))
    except FileNotFoundError:
        strangers = sorted(path.name for path in folder.iterdir() if path.name not in {"journal", *FILES})
        if strangers:
            raise UsageError(
                f"{folder} holds something else ({strangers[0]}); choose another folder"
            ) from None
        return
    except (OSError, ValueError) as error:
        raise UsageError(f"{folder / RUN}: cannot be read ({error})") from None
    known = found.get("terms") if isinstance(found, dict) else None
    if content_hash(known) != content_hash(configuration["terms"]):
        different = _difference(known, configuration["terms"])
        raise UsageError(
            f"{folder} holds a run on other terms ({different}); choose another folder, or ask for the same"
        )


def _difference(known: Any, asked: Any, name: str = "") -> str:
    if isinstance(known, dict) and isinstance(asked, dict):
        for key in sorted({*known, *asked}):
            if known.get(key) != asked.get(key):
                return _difference(known.get(key), asked.get(key), f"{name}.{key}".lstrip("."))
    return f"{name or 'all'}: {str(known)[:60]} there, {str(asked)[:60]} asked for"


def _line(record: JsonValue) -> Line:
    if not isinstance(record, dict) or "kind" not in record or "id" not in record:
        raise UsageError("the journal holds records that are none of a run's; choose another folder")
    return record
