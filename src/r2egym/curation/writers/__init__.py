"""Writers: evidence → a problem statement, by rule or by a model."""

from __future__ import annotations

from r2egym.curation.writers.base import Statement, Writer
from r2egym.curation.writers.leaks import find_leaks
from r2egym.curation.writers.template import TemplateWriter

__all__ = ["Statement", "TemplateWriter", "Writer", "find_leaks", "open_writer"]


def open_writer(name: str, *, base_url: str | None = None, strict: bool = False) -> Writer:
    """The writer of that name.

    Args:
        name: ``template``, or a model's name (:mod:`r2egym.llm.names`).
        base_url: the model's server, where it is not the provider's own.
        strict: whether a model that cannot be reached is an error, rather than a reason for the template.

    Raises:
        UsageError: the name leads nowhere, or the model's key is missing.
    """
    if name == TemplateWriter.name:
        return TemplateWriter()
    from r2egym.curation.writers.model import ModelWriter
    from r2egym.llm import open_model

    return ModelWriter(open_model(name, base_url=base_url), strict=strict)
