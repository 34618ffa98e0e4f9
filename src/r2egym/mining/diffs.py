"""The diffs of many commits from one ``git`` process.

``git diff-tree --stdin`` echoes, and flushes after, a line that is no object id. So a word that no line of a diff can be
marks the end of each answer, and questions can be asked ahead: git works on the next ones while we read.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Self

from r2egym.errors import RepositoryError
from r2egym.mining.git import Repository
from r2egym.mining.patches import MAX_PATCH_BYTES
from r2egym.mining.plumbing import common_dir, empty_git_dir, start_git

_OPTIONS = (
    "-p", "-r", "--full-index", "-M", "-l1000", "--no-color", "--no-ext-diff", "--no-textconv",
    "--diff-algorithm=myers", "--src-prefix=a/", "--dst-prefix=b/", "--ignore-submodules=none", "--submodule=short",
)  # fmt: skip
"""What ``git diff`` does where nothing is configured, with whole object ids: abbreviations grow with a repository."""
_END = b"END\n"
_AHEAD = 64
"""Questions in flight: a few kilobytes, so that writing them never waits for our reading."""


class DiffStream:
    """Answers with diffs, in the order of the questions. Not for several threads. Close it, or use it in ``with``."""

    def __init__(self, repository: Repository, *, max_bytes: int = MAX_PATCH_BYTES) -> None:
        self._name = repository.name
        self._max_bytes = max_bytes
        self._folder = tempfile.TemporaryDirectory(prefix="r2egym-diffs-")
        # A file over the limit counts as binary, so that git never holds two versions of a giant.
        big = f"core.bigFileThreshold={max_bytes}"
        self._process = start_git(
            ["-c", big, "diff-tree", "--stdin", "--no-commit-id", *_OPTIONS],
            git_dir=empty_git_dir(Path(self._folder.name) / "git"),
            objects=[common_dir(repository.path) / "objects"],
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ask(self, pairs: Sequence[tuple[str, str]]) -> Iterator[str | None]:
        """The text of each diff.

        Args:
            pairs: (commit, the commit it is compared with), 40 hex digits each.

        Returns:
            text in which bytes that are no UTF-8 are surrogate escapes; None for a diff of too many bytes.

        Raises:
            RepositoryError: git ended, since objects are missing or damaged.
        """
        questions, answers = self._pipes()
        for start in range(0, len(pairs), _AHEAD):
            some = pairs[start : start + _AHEAD]
            lines = "".join(f"{commit} {base}\n{_END.decode()}" for commit, base in some)
            try:
                questions.write(lines.encode())
                questions.flush()
            except BrokenPipeError:
                raise self._broken() from None
            for _ in some:
                yield self._read(answers)

    def _read(self, answers: IO[bytes]) -> str | None:
        lines: list[bytes] = []
        size = 0
        for line in answers:
            if line == _END:
                return b"".join(lines).decode("utf-8", "surrogateescape") if size <= self._max_bytes else None
            size += len(line)
            if size <= self._max_bytes:
                lines.append(line)
            else:
                lines.clear()
        raise self._broken()

    def _pipes(self) -> tuple[IO[bytes], IO[bytes]]:
        if self._process.stdin is None or self._process.stdout is None:
            raise self._broken()
        return self._process.stdin, self._process.stdout

    def _broken(self) -> RepositoryError:
        return RepositoryError(f"{self._name}: git cannot read all objects of the repository; try git fsck")

    def close(self) -> None:
        """End the process. Safe to call twice."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None and not pipe.closed:
                with suppress(BrokenPipeError):
                    pipe.close()
        self._process.kill()
        self._process.wait()
        self._folder.cleanup()


def diff(repository: Repository, base: str, commit: str, *, max_bytes: int = MAX_PATCH_BYTES) -> str | None:
    """One diff, as :meth:`DiffStream.ask` gives it."""
    with DiffStream(repository, max_bytes=max_bytes) as stream:
        return next(stream.ask([(commit, base)]))
