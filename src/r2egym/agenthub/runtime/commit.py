"""The commit that a task is made of, as far as callers of the published runtime ask for it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ParsedCommit:
    """A fix, its source and its tests apart."""

    old_commit_hash: str
    new_commit_hash: str
    source: str
    """The gold patch."""
    tests: str
    """The patch of the tests."""

    def get_patch(self, *, test_file: bool = True, non_test_file: bool = True) -> str:
        """The fix as a patch.

        Args:
            test_file: with its tests.
            non_test_file: with its source.
        """
        parts = [self.source] * non_test_file + [self.tests] * test_file
        return "".join(part if part.endswith("\n") else f"{part}\n" for part in parts if part)
