"""Keeping every question and answer of a model in a file, from which a run can be played again without it.

One line of JSON a request, on disk before the caller has the answer::

    {"model", "conversation", "step", "digest", "request", "messages", "new", "answer" | "error"}

``messages`` are the digests of the conversation's messages, ``new`` those messages whose text the file does not have
yet, so that a long conversation is not written anew at every step. ``request`` is all the rest of the request. Keys are
no part of a request, and so of no line.

Limits: one writer a file at a time. A line that was cut short is dropped when the file is next opened for writing.
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from r2egym.errors import ModelError, UsageError
from r2egym.llm.base import Model
from r2egym.records import Answer, Record, Request, content_hash

_DIGITS = 16


class Recorder:
    """A model whose answers, and lasting failures, are kept. Threads may ask at once.

    Args:
        model: whom to ask; closed together with this.
        path: the file, which is continued when it is there.

    Raises:
        UsageError: somebody else is writing to it.
        OSError: it cannot be written.
    """

    def __init__(self, model: Model, path: Path) -> None:
        self.name = model.name
        self._model = model
        self._lock = threading.Lock()
        self._written: set[str] = set()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        self._open = True
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.close()
            raise UsageError(f"{path} is being written by another recorder") from None
        os.ftruncate(self._fd, _whole(path))

    def complete(self, request: Request, *, timeout: float = 120.0) -> Answer:
        """Ask the model, and write down what it said.

        Raises:
            ModelError: the model's own, written down as well.
            UsageError: this is closed.
            OSError: it could not be written.
        """
        failure: ModelError | None = None
        answer = Answer()
        try:
            answer = self._model.complete(request, timeout=timeout)
        except ModelError as error:
            failure = error
        if failure is not None:
            self._append(request, {"error": [type(failure).__name__, str(failure)]})
            raise failure
        self._append(request, {"answer": answer.model_dump()})
        return answer

    def close(self) -> None:
        """Close the file and the model; twice is safe."""
        with self._lock:
            if self._open:
                self._open = False
                os.close(self._fd)
        self._model.close()

    def _append(self, request: Request, outcome: dict[str, Any]) -> None:
        digests = [digest(message) for message in request.messages]
        line = {
            "model": self.name,
            "conversation": conversation_of(request),
            "step": step_of(request),
            "digest": digest(request),
            "request": request.model_dump(exclude={"messages"}),
            "messages": digests,
        }
        with self._lock:
            if not self._open:
                raise UsageError("this recorder is closed")
            line["new"] = {
                own: message.model_dump()
                for own, message in zip(digests, request.messages, strict=True)
                if own not in self._written
            }
            # Half characters are told from whole ones by ASCII alone.
            data = json.dumps({**line, **outcome}, ensure_ascii=True).encode("ascii") + b"\n"
            end = os.fstat(self._fd).st_size
            try:
                _write(self._fd, data)
                os.fdatasync(self._fd)
            except OSError:
                os.ftruncate(self._fd, end)
                raise
            self._written.update(digests)


def digest(record: Record) -> str:
    """A record's identity, short enough to be read."""
    return content_hash(record)[:_DIGITS]


def conversation_of(request: Request) -> str:
    """The identity of a conversation: that of the messages before the assistant first speaks."""
    first: list[JsonValue] = []
    for message in request.messages:
        if message.role == "assistant":
            break
        first.append(message.model_dump(mode="json"))
    return content_hash(first)[:_DIGITS]


def step_of(request: Request) -> int:
    """How often the assistant has spoken before."""
    return sum(message.role == "assistant" for message in request.messages)


def _whole(path: Path) -> int:
    """Bytes of a file up to the end of its last whole line."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        while size:
            start = max(0, size - 65536)
            stream.seek(start)
            found = stream.read(size - start).rfind(b"\n")
            if found >= 0:
                return start + found + 1
            size = start
    return 0


def _write(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
