"""What verbs print with: results on stdout, everything about getting there on stderr.

With ``--json`` each result is one line of JSON; without it, text for people. Progress is drawn only on a terminal, and
never on stdout.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from r2egym.records import Record

if TYPE_CHECKING:
    from pydantic import JsonValue
    from rich.table import Table

Json = Annotated[bool, typer.Option("--json", help="Print results as JSON, one object a line.")]
"""The option that every verb takes."""

Advance = Callable[[str, int, int | None], None]
"""Tells a progress line: what is being done, how much is done, how much there is (None: not known)."""


def print_json(value: Record | Mapping[str, JsonValue]) -> None:
    """One JSON object on a line of stdout, at once."""
    text = value.model_dump_json() if isinstance(value, Record) else json.dumps(value, ensure_ascii=False)
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def print_text(text: str = "") -> None:
    """A line of text for people on stdout; control characters other than newlines are shown, not obeyed."""
    safe = "".join(c if c.isprintable() or c == "\n" else repr(c)[1:-1] for c in text)
    sys.stdout.write(safe + "\n")
    sys.stdout.flush()


def print_table(table: Table) -> None:
    """A table on stdout, as wide as the terminal, or 100 columns when there is none."""
    from rich.console import Console

    Console(width=None if sys.stdout.isatty() else 100, highlight=False).print(table)


def note(text: str) -> None:
    """A line about how it went, on stderr."""
    sys.stderr.write(f"r2egym: {text}\n")
    sys.stderr.flush()


def answer_no() -> NoReturn:
    """End the verb: it ran, and the answer is no."""
    raise typer.Exit(1)


@contextmanager
def progress() -> Iterator[Advance]:
    """A progress line on stderr while the block runs; nothing when stderr is no terminal."""
    if not sys.stderr.isatty():
        yield lambda _what, _done, _total: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
    )

    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as bar:
        line = bar.add_task("", total=None)
        yield lambda what, done, total: bar.update(line, description=what, completed=done, total=total)
