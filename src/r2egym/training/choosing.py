"""Which rows of a task are taken where there are more than wanted. The same rows give the same choice, in any order."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence

from r2egym.records import content_hash
from r2egym.training.rows import Row


def distinct(rows: Iterable[Row], rejected: Counter[str]) -> list[Row]:
    """Rows without those that say what an earlier one says."""
    seen: set[str] = set()
    kept = []
    for row in rows:
        key = content_hash(row.value["messages"])
        if key in seen:
            rejected["repeated"] += 1
        else:
            seen.add(key)
            kept.append(row)
    return kept


def capped(rows: Sequence[Row], cap: int, seed: int, rejected: Counter[str]) -> list[Row]:
    """At most ``cap`` rows of a task; 0: all."""
    if not cap:
        return list(rows)
    kept = [row for some in _by_task(rows).values() for row in sorted(some, key=_order(seed))[:cap]]
    rejected["over-cap"] += len(rows) - len(kept)
    return kept


def balanced(rows: Sequence[Row], cap: int, seed: int, rejected: Counter[str]) -> list[Row]:
    """As many positive rows as others.

    Of a task with both kinds, one of each, or up to ``cap`` rows in pairs; of tasks with one kind one row, as many of those
    without a positive row as of those without another.
    """
    pairs = max(cap // 2, 1)
    kept: list[Row] = []
    lonely: dict[bool, list[Row]] = {True: [], False: []}
    for some in _by_task(rows).values():
        right, wrong = (
            sorted((row for row in some if row.positive is kind), key=_order(seed)) for kind in (True, False)
        )
        count = min(pairs, len(right), len(wrong))
        kept += [*right[:count], *wrong[:count]]
        if not count:
            lonely[bool(right)].append((right or wrong)[0])
    count = min(len(lonely[True]), len(lonely[False]))
    kept += [row for some in lonely.values() for row in sorted(some, key=_order(seed))[:count]]
    rejected["unbalanced"] += len(rows) - len(kept)
    return kept


def _by_task(rows: Sequence[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row.instance_id].append(row)
    return found


def _order(seed: int) -> Callable[[Row], str]:
    return lambda row: hashlib.sha256(
        f"{seed} {row.identity} {row.value.get('attempt')}".encode()
    ).hexdigest()
