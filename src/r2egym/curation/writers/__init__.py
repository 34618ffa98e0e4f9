"""Writers: evidence → a problem statement. A model's writer is another file with the same two members."""

from __future__ import annotations

from typing import Protocol

from r2egym.curation.evidence import Evidence
from r2egym.curation.writers.leaks import find_leaks
from r2egym.curation.writers.template import TemplateWriter
from r2egym.errors import UsageError

__all__ = ["TemplateWriter", "Writer", "find_leaks", "open_writer"]


class Writer(Protocol):
    """What describes a task."""

    name: str
    """Goes into the row's ``issue_source``."""

    def write(self, evidence: Evidence) -> str:
        """The statement, as Markdown. Raises ModelError when a model does not answer."""
        ...


def open_writer(name: str) -> Writer:
    """The writer of that name. Raises UsageError for one that is not known."""
    if name == TemplateWriter.name:
        return TemplateWriter()
    raise UsageError(f"--writer {name}: not known; there is: {TemplateWriter.name}")
