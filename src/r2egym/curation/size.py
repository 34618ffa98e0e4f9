"""How large a fix is, and how far it is spread: numbers to filter and sort a dataset by."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from r2egym.mining import FilePatch, parse_patch
from r2egym.records import Size, Task


def measure(task: Task) -> Size:
    """The size of a task: of its gold patch, its tests and the entities that mining found in the patch."""
    entities = task.published.get("modified_entity_summaries")
    return size_of(
        task.patch,
        entities=entities if isinstance(entities, list) else (),
        fail_to_pass=task.fail_to_pass,
        pass_to_pass=task.pass_to_pass,
    )


def size_of(
    patch: str,
    *,
    entities: Iterable[Any] = (),
    fail_to_pass: Sequence[str] = (),
    pass_to_pass: Sequence[str] = (),
) -> Size:
    """The same from its parts.

    Args:
        patch: as ``git diff`` prints it.
        entities: what the patch touches, each with ``file_name`` and ``name``.
        fail_to_pass: ids of tests.
        pass_to_pass: likewise.

    Raises:
        PatchError: the patch is none.
    """
    files = parse_patch(patch, max_bytes=1 << 30)
    signs = [line[:1] for file in files for hunk in file.hunks for line in hunk.lines]
    return Size(
        files=len(files),
        hunks=sum(len(file.hunks) for file in files),
        added=signs.count("+"),
        removed=signs.count("-"),
        entities=len({_top(entity) for entity in entities}),
        directories=len({file.path.rpartition("/")[0] for file in files}),
        widest_gap=max(map(_widest_gap, files), default=0),
        fail_to_pass=len(fail_to_pass),
        pass_to_pass=len(pass_to_pass),
    )


def _top(entity: Mapping[str, str]) -> tuple[str, str]:
    """A method counts as its class."""
    return entity["file_name"], entity["name"].partition(".")[0]


def _widest_gap(file: FilePatch) -> int:
    gaps = [
        after.old_start - (before.old_start + before.old_length)
        for before, after in itertools.pairwise(file.hunks)
    ]
    return max(gaps, default=0)
