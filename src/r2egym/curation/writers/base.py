"""What a writer is, and what it hands over."""

from __future__ import annotations

from typing import Protocol

from pydantic import JsonValue

from r2egym.curation.evidence import Evidence
from r2egym.records import Record


class Statement(Record):
    """A description of a task, and where it comes from."""

    text: str
    """Markdown; empty when there was nothing to say."""
    source: str
    """Who wrote it: the row's ``issue_source``."""
    provenance: dict[str, JsonValue] = {}
    """How it came about: tries, complaints, verdict, tokens, cost. Empty where no model had a part in it."""


class Writer(Protocol):
    """What describes tasks. Threads may ask it at once."""

    name: str
    """As the user wrote it."""

    def write(self, evidence: Evidence) -> Statement:
        """The statement. Raises ModelRequestError: a model's server refuses what it is asked as such."""
        ...

    def close(self) -> None:
        """Give back what it holds; twice is safe."""
        ...
