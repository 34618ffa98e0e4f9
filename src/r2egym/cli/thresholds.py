"""The options that say which commits are candidates, for every verb that looks at a history."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from r2egym.errors import UsageError

if TYPE_CHECKING:
    from r2egym.mining import MiningConfig

Preset = Annotated[
    Literal["wide", "paper", "published"], typer.Option("--preset", help="Which commits are candidates.")
]
Thresholds = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="Change one threshold of the preset (none: no limit); may be given again. Names: needs-tests, link,"
        " max-files, max-lines, max-patch-length, max-deleted-entities, max-added-entities, max-edited-entities, max-statements,"
        " only-python, code-change, test-entity-edit, test-match.",
    ),
]
Revision = Annotated[str, typer.Option("--revision", help="Where the history begins.")]
Since = Annotated[str | None, typer.Option("--since", help="No commit before this date (YYYY-MM-DD).")]
Until = Annotated[str | None, typer.Option("--until", help="No commit after this date (YYYY-MM-DD).")]
Commits = Annotated[
    int | None, typer.Option("--commits", min=1, help="Most commits looked at, newest first.")
]
Limit = Annotated[int | None, typer.Option("--limit", min=1, help="Most candidates, newest first.")]


def configure(
    preset: Literal["wide", "paper", "published"], thresholds: Sequence[str] | None, **scope: Any
) -> MiningConfig:
    """The configuration that the options ask for. Raises UsageError for a threshold that is none."""
    from r2egym.mining import MiningConfig

    config = MiningConfig.preset(preset)
    changes: dict[str, Any] = {}
    for text in thresholds or ():
        name, equals, value = text.partition("=")
        key = name.strip().replace("-", "_")
        if not equals or key not in MiningConfig.model_fields or key in scope:
            raise UsageError(f"--set {text}: give NAME=VALUE with one of the names that --help lists")
        changes[key] = None if value.strip().lower() == "none" else value.strip()
    return config.adjusted(**scope, **changes)
