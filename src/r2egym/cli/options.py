"""Options that several verbs take, said once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

BaseUrl = Annotated[
    str | None, typer.Option("--base-url", metavar="URL", help="Where the model's server is.")
]
Index = Annotated[
    Path | None, typer.Option("--index", help="A folder of wheels instead of the package index.")
]
Seal = Annotated[
    bool,
    typer.Option(
        "--seal", help="Believe a 1 only when a second run, in which no expected value enters, agrees."
    ),
]
Sandbox = Annotated[Literal["bubblewrap", "docker"], typer.Option("--sandbox", help="Where tests run.")]
