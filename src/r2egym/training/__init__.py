"""From what agents did to what trainers read: rows to fine-tune on, token ids to reinforce, other people's formats.

An export selects attempts by named filters, writes them aside, reads back what it wrote and checks it, and only then puts it in
place. Each name is imported when it is asked for: the reader of ATIF, which the viewer uses, needs nothing heavy.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from r2egym.training.atif import as_trajectory, is_atif, to_atif
    from r2egym.training.exporting import PURPOSES, export
    from r2egym.training.options import ExportOptions, ExportReport, Purpose
    from r2egym.training.tokens import Tokens, open_tokens

__all__ = [
    "PURPOSES",
    "ExportOptions",
    "ExportReport",
    "Purpose",
    "Tokens",
    "as_trajectory",
    "export",
    "is_atif",
    "open_tokens",
    "to_atif",
]

_HOMES = {
    "PURPOSES": "exporting",
    "ExportOptions": "options",
    "ExportReport": "options",
    "Purpose": "options",
    "Tokens": "tokens",
    "as_trajectory": "atif",
    "export": "exporting",
    "is_atif": "atif",
    "open_tokens": "tokens",
    "to_atif": "atif",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(name)
    return getattr(importlib.import_module(f"r2egym.training.{_HOMES[name]}"), name)
