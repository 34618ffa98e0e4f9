"""What mining says of a commit: that it could become a task, or why it cannot."""

from __future__ import annotations

from typing import Literal

from r2egym.mining.patches import Kind
from r2egym.records import Commit, Record

EntityType = Literal["function", "class", "method", "import", "statement"]


class Entity(Record):
    """A part of a Python file: a top-level function, class, import or other statement, or a method of such a class."""

    file_name: str
    type: EntityType
    name: str
    """``Class.method`` for a method; the module for an import; empty for a statement."""
    ast_type_str: str
    """The node's name in Python's own ``ast``: ``FunctionDef``, ``ClassDef``, ``ImportFrom``…"""
    start_lineno: int
    """Its first line, from 1, decorators included."""
    end_lineno: int


class ChangedFile(Record):
    """What a commit did to one file."""

    path: str
    """After the commit; for a deleted file, before it."""
    old_path: str | None
    """None for an added file."""
    kind: Kind
    is_test: bool
    is_binary: bool
    added_lines: int
    deleted_lines: int


class EntityCounts(Record):
    """How many entities outside the tests a commit touched. A method counts, and so does the class that holds it."""

    added: int = 0
    deleted: int = 0
    edited: int = 0
    """Added, deleted and modified ones together."""
    statements: int = 0
    """Top-level statements, which the other numbers leave out; counted in the tests too where those were read."""


class Candidate(Record):
    """A commit that could become a task."""

    commit: Commit
    base: str
    """40 hex digits: the first parent, which an agent would start from."""
    files: tuple[ChangedFile, ...]
    """In the order of the diff; where the tests have a commit of their own, those come last."""
    entities: tuple[Entity, ...] = ()
    """Functions, classes and methods outside the tests that were added, modified (as they are after) or deleted."""
    counts: EntityCounts = EntityCounts()
    patch_length: int = 0
    """Characters of the diff of its Python files, with object ids as git abbreviates them."""
    tests_commit: str | None = None
    """40 hex digits: a later commit that brought its tests; None when it brought them itself."""

    @property
    def judge(self) -> str:
        """The commit whose tests judge it."""
        return self.tests_commit or self.commit.hash

    @property
    def num_non_test_files(self) -> int:
        """Files outside the tests, of any kind."""
        return sum(not file.is_test for file in self.files)

    @property
    def num_non_test_lines(self) -> int:
        """Lines added and deleted in them."""
        return sum(file.added_lines + file.deleted_lines for file in self.files if not file.is_test)

    @property
    def num_non_test_func_methods(self) -> int:
        """Functions and methods among the entities."""
        return sum(entity.type in {"function", "method"} for entity in self.entities)


class Rejection(Record):
    """A commit that mining turns away."""

    commit: str
    """40 hex digits."""
    reason: str
    """A short stable code: ``root``, ``no-source``, ``no-tests``, or the filter's that rejects it."""
