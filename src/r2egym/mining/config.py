"""Which commits are candidates: every threshold, and the presets that people know."""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, field_validator

from r2egym.errors import UsageError
from r2egym.records import Record

Preset = Literal["wide", "paper", "published"]
PRESETS: tuple[Preset, ...] = ("wide", "paper", "published")
Positive = Annotated[int, Field(ge=1)]
Natural = Annotated[int, Field(ge=0)]
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


class MiningConfig(Record):
    """Thresholds. None: not limited. The defaults are the preset ``wide``: what touches source and tests."""

    revision: str = "HEAD"
    """Where the history begins; everything it reaches is looked at, newest first."""
    since: str | None = None
    """No commit that was committed before this day (``YYYY-MM-DD``, UTC)."""
    until: str | None = None
    """No commit that was committed after this day."""
    commits: Positive | None = None
    """Most commits that are looked at."""
    limit: Positive | None = None
    """Most candidates."""

    needs_tests: bool = True
    """Whether a file of the tests must be touched."""
    link: Natural = 3
    """How many commits later the tests of a fix may come that has none itself; 0: not at all."""
    max_files: Positive | None = None
    """Files outside the tests."""
    max_lines: Positive | None = None
    """Lines added and deleted outside the tests; when it is set, there must be at least one."""
    max_patch_length: Positive | None = None
    """Characters of the diff of the Python files."""
    max_deleted_entities: Natural | None = None
    """Functions, classes, methods and imports outside the tests; likewise the next two."""
    max_added_entities: Natural | None = None
    max_edited_entities: Positive | None = None
    """When it is set, there must be at least one."""
    max_statements: Natural | None = None
    """Other top-level statements that were touched, in the tests too."""
    only_python: bool = False
    """Whether all program code that is touched must be Python; documents and settings may ride along."""
    code_change: bool = False
    """Whether a function or class outside the tests must differ beyond comments and docstrings; always, where a commit without
    tests is let in."""
    test_entity_edit: bool = False
    """Whether a function, class or method of the tests must be added or edited."""
    test_match: bool = False
    """Whether one of those must have "issue" in its name, or name or call an edited function or method."""

    @field_validator("since", "until")
    @classmethod
    def _is_date(cls, value: str | None) -> str | None:
        if value is not None:
            if not _DATE.fullmatch(value):
                raise ValueError(f"{value!r} is no date; write it as YYYY-MM-DD")
            dt.date.fromisoformat(value)
        return value

    @classmethod
    def preset(cls, name: Preset) -> Self:
        """The thresholds of the paper, of the code that was published with it, or ours.

        Source of the numbers: arXiv 2504.07164, and the defaults of its released code.
        """
        if name == "paper":
            return cls(
                max_files=5, max_lines=100, max_patch_length=2_000, max_deleted_entities=1,
                max_added_entities=3, max_edited_entities=3, max_statements=10, only_python=True,
                code_change=True, link=0,
            )  # fmt: skip
        if name == "published":
            return cls(
                max_files=4, max_lines=199, max_patch_length=9_999, max_deleted_entities=0,
                max_added_entities=1, max_edited_entities=4, max_statements=6, only_python=True,
                code_change=True, link=0,
            )  # fmt: skip
        return cls()

    def adjusted(self, **changes: Any) -> Self:
        """These thresholds with some of them changed. Raises UsageError for a value that makes no sense."""
        try:
            return type(self).model_validate({**self.model_dump(), **changes})
        except ValidationError as error:
            first = error.errors()[0]
            name = str(first["loc"][0]).replace("_", "-")
            raise UsageError(f"{name}: {first['msg'].removeprefix('Value error, ')}") from None

    @property
    def since_seconds(self) -> float:
        """First moment of ``since``, seconds since 1970; minus infinity without it."""
        return _midnight(self.since) if self.since else float("-inf")

    @property
    def until_seconds(self) -> float:
        """First moment after ``until``; infinity without it."""
        return _midnight(self.until) + 86_400 if self.until else float("inf")

    @property
    def reads_entities(self) -> bool:
        """Whether any threshold needs the entities of the files."""
        limits = (self.max_deleted_entities, self.max_added_entities, self.max_edited_entities)
        return self.code_change or self.reads_tests or any(limit is not None for limit in limits)

    @property
    def reads_tests(self) -> bool:
        """Whether any threshold needs the entities of the tests' files too."""
        return self.max_statements is not None or self.test_entity_edit or self.test_match


def _midnight(day: str) -> float:
    return dt.datetime.fromisoformat(day).replace(tzinfo=dt.UTC).timestamp()
