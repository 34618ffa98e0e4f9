"""Marks on the rows of a dataset: which tasks are nearly another one, and which come from SWE-bench's repositories.

Two tasks are near duplicates when the sets of *shingles* of their gold patches overlap by :data:`ALIKE` (Jaccard). A
shingle is an added or removed line, its blanks made equal, with its sign and the name of its file without folders; each
hunk's heading is one more, so that a line which is changed alike in two functions is not the same change. Places and
context do not count: a cherry-pick, a backport and a revert that is taken back are found, wherever their lines lie.

What is like a duplicate is of the same group. The members of a group name the one that was committed first.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction

from r2egym.mining import parse_patch
from r2egym.records import Task

ALIKE = Fraction(4, 5)
"""Share of all their shingles that two gold patches have in common, from which on they are near duplicates."""
SWEBENCH = re.compile(
    "astropy|django|flask|matplotlib|pylint|pytest|requests|scikit-learn|seaborn|sphinx|sympy|xarray"
)
"""Names of the repositories of SWE-bench and SWE-bench Verified."""


def mark(tasks: Sequence[Task], when: Callable[[Task], int]) -> list[Task]:
    """The tasks, in their order, with ``duplicate_of`` and ``swebench`` filled in.

    Args:
        tasks: all rows of a dataset; in another order they get the same marks.
        when: the moment at which a task's fix was committed; of equal ones the name decides.
    """
    originals = _originals({task.instance_id: shingles(task.patch) for task in tasks})
    first: dict[str, Task] = {}
    for task in sorted(tasks, key=lambda task: (when(task), task.instance_id)):
        first.setdefault(originals[task.instance_id], task)
    marked = []
    for task in tasks:
        name = first[originals[task.instance_id]].instance_id
        marks = {"duplicate_of": None if name == task.instance_id else name, "swebench": in_swebench(task)}
        marked.append(task.model_copy(update=marks))
    return marked


def in_swebench(task: Task) -> bool:
    """Whether the task's repository is one of SWE-bench's, or is called like one: forks hold the same history."""
    url = task.environment.repository.rstrip("/").removesuffix(".git").removesuffix(".bundle")
    names = {task.repo, url.replace(":", "/").rpartition("/")[2]}
    return any(SWEBENCH.fullmatch(name.lower().replace("_", "-")) for name in names)


def shingles(patch: str) -> frozenset[str]:
    """What is compared of a patch. One that changes no line is compared as it is."""
    found: set[str] = set()
    for file in parse_patch(patch, max_bytes=1 << 30):
        name = file.path.rpartition("/")[2]
        for hunk in file.hunks:
            found.add(f"@ {name}: {' '.join(hunk.section.split())}")
            for line in hunk.lines:
                text = " ".join(line[1:].split())
                if line[:1] in {"+", "-"} and text:
                    found.add(f"{line[0]} {name}: {text}")
    return frozenset(found) or frozenset({patch})


def _originals(sets: dict[str, frozenset[str]]) -> dict[str, str]:
    """Name → the name that stands for its group."""
    above = {name: name for name in sets}

    def top(name: str) -> str:
        while above[name] != name:
            above[name] = name = above[above[name]]
        return name

    for one, other in _alike(sets):
        low, high = sorted((top(one), top(other)))
        above[high] = low
    return {name: top(name) for name in sets}


def _alike(sets: dict[str, frozenset[str]]) -> Iterator[tuple[str, str]]:
    """Every pair of near duplicates, through an index of rare shingles.

    Two sets that overlap so much share one of the few rarest of each: of n shingles at most n - ceil(ALIKE * n) are
    missing from the other set, so one more than that is enough to look at.
    """
    frequency = Counter(shingle for found in sets.values() for shingle in found)
    index: dict[str, list[str]] = defaultdict(list)
    for name, found in sorted(sets.items(), key=lambda item: (len(item[1]), item[0])):
        rare = sorted(found, key=lambda shingle: (frequency[shingle], shingle))
        near = rare[: len(found) - math.ceil(ALIKE * len(found)) + 1]
        for other in dict.fromkeys(other for shingle in near for other in index[shingle]):
            if alike(found, sets[other]):
                yield other, name
        for shingle in near:
            index[shingle].append(name)


def alike(one: frozenset[str], other: frozenset[str]) -> bool:
    """Whether two sets share so much of all that they have."""
    common = len(one & other)
    return common >= ALIKE * (len(one) + len(other) - common)
