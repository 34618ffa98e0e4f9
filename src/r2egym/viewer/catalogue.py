"""All that is open: runs with their indexes, datasets, and the questions that pages ask of them."""

from __future__ import annotations

import sqlite3
import threading
import time
from array import array
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from r2egym.viewer.attempts import STATUSES, Attempt, attempt_from, read_json
from r2egym.viewer.index import Index, Progress
from r2egym.viewer.lines import LONGEST, checksum, read_line
from r2egym.viewer.query import SORTS, Query, parse_query
from r2egym.viewer.searching import PATIENCE, Found, WordSearch
from r2egym.viewer.sources import DatasetSource, RunSource, Source

if TYPE_CHECKING:
    from r2egym.records import Task
    from r2egym.viewer.tasks import TaskTable

Made = TypeVar("Made")
_ANSWERS = 16
"""Searches of a run whose answers are kept."""
_SEARCHES = 4
"""Searches for words of a run that are under way, or whose hits are kept."""
_KEPT_BYTES = 64 << 20
"""Of the lines whose attempts are kept."""
COLUMNS = (
    'id, line, length, task, repo, attempt, status, reward, why, said, "exit", boundary, agent, model, steps, tokens, cost,'
    " seconds, title, damage, place, crc"
)


@dataclass(frozen=True, slots=True)
class Totals:
    """A run in numbers."""

    attempts: int
    statuses: dict[str, int]
    """By status, in the order of :data:`STATUSES`."""
    mean: float | None
    """Of the rewards there are; damaged and masked ones have none."""
    reasons: tuple[tuple[str, str, int], ...]
    """Status, reason and count, the commonest first."""
    exits: tuple[tuple[str, int], ...]
    boundaries: tuple[tuple[str, int], ...]
    tools: tuple[tuple[str, int], ...]
    tasks: int
    steps: int
    tokens: int | None
    cost: float | None
    seconds: float


class OpenRun:
    """A run that is open."""

    def __init__(self, source: RunSource, home: Path) -> None:
        self.source = source
        self.name = source.name
        self.index = Index(source, home)
        self._lock = threading.Lock()
        self._answers: OrderedDict[tuple[str, str], tuple[tuple[str, ...], array[int]]] = OrderedDict()
        self._searches: OrderedDict[tuple[str, str], tuple[tuple[str, ...], WordSearch]] = OrderedDict()
        self._kept: dict[str, tuple[tuple[str, ...], Any]] = {}
        self._attempts: OrderedDict[tuple[int, int], tuple[int, Attempt]] = OrderedDict()

    # --- what it is ---------------------------------------------------------------------------------------------

    def configuration(self) -> dict[str, Any]:
        """What ``run.json`` says."""
        return self.source.configuration()

    def planned(self) -> int | None:
        """How many attempts it shall have; None: not known."""
        said = self.configuration().get("planned")
        return said if isinstance(said, int) and not isinstance(said, bool) else None

    def progress(self) -> Progress:
        """How far its index is."""
        return self.index.progress()

    def totals(self) -> Totals:
        """The run in numbers."""
        return self.once("totals", lambda: self._asked(_totals))

    def once(self, name: str, make: Callable[[], Made]) -> Made:
        """What ``make`` gives, kept under a name until the index changes."""
        generation, known = self.index.generation(), self._kept.get(name)
        if known is None or known[0] != generation:
            known = self._kept[name] = (generation, make())
        made: Made = known[1]
        return made

    def _asked(self, ask: Callable[[sqlite3.Connection], Made]) -> Made:
        with self.index.reading() as database:
            return ask(database)

    # --- lists ----------------------------------------------------------------------------------------------------

    def find(self, query: Query, sort: str = "task") -> Found:
        """Numbers (of the index) of the attempts that a search finds, in order; within :data:`PATIENCE`, whole or not."""
        generation, key = self.index.generation(), (query.text, sort)
        with self._lock:
            known = self._answers.get(key)
            if known and known[0] == generation:
                self._answers.move_to_end(key)
                return Found(known[1], whole=True)
        search = self._search(query, generation) if query.needs_words else None
        whole = search is None or search.wait(PATIENCE)
        statement, values = query.sql("id", SORTS.get(sort, SORTS["task"]))
        with self.index.reading() as database:
            found = array("q", (row[0] for row in database.execute(statement, values)))
        if search is not None:
            found = search.keep(found)
        if whole:
            with self._lock:
                self._answers[key] = (generation, found)
                while len(self._answers) > _ANSWERS:
                    self._answers.popitem(last=False)
        return Found(found, whole)

    def _search(self, query: Query, generation: tuple[str, ...]) -> WordSearch:
        """The search for a query's words: one that is under way, one that ended and still holds, or a new one."""
        key = (query.match, query.unless)
        with self._lock:
            then, search = self._searches.pop(key, (generation, None))
            if search is None or (then != generation and search.wait(0)):
                then, search = generation, WordSearch(self.index.reading, query.match, query.unless)
            self._searches[key] = (then, search)
            while len(self._searches) > _SEARCHES:
                self._searches.popitem(last=False)
        return search

    def rows(self, numbers: Sequence[int]) -> list[sqlite3.Row]:
        """The rows of these attempts, in this order."""
        marks = ",".join("?" * len(numbers))
        with self.index.reading() as database:
            asked = f"SELECT {COLUMNS} FROM attempts WHERE id IN ({marks})"  # noqa: S608 - marks
            found = {row["id"]: row for row in database.execute(asked, list(numbers))}
        return [found[number] for number in numbers if number in found]

    def row(self, line: int) -> sqlite3.Row | None:
        """The row of a line."""
        with self.index.reading() as database:
            asked = f"SELECT {COLUMNS} FROM attempts WHERE line = ?"  # noqa: S608 - ours
            found: sqlite3.Row | None = database.execute(asked, (line,)).fetchone()
        return found

    def rows_of_task(self, task: str) -> list[sqlite3.Row]:
        """The attempts at a task, by number."""
        with self.index.reading() as database:
            asked = f"SELECT {COLUMNS} FROM attempts WHERE task = ? ORDER BY attempt, id"  # noqa: S608 - ours
            return database.execute(asked, (task,)).fetchall()

    def by_task(self) -> dict[str, list[tuple[int, str, int]]]:
        """Number, status and line of every attempt, by task. It is kept: do not change it."""
        return self.once("by task", self._by_task)

    def _by_task(self) -> dict[str, list[tuple[int, str, int]]]:
        found: dict[str, list[tuple[int, str, int]]] = {}
        with self.index.reading() as database:
            asked = "SELECT task, attempt, status, line FROM attempts INDEXED BY attempts_task ORDER BY task, attempt, id"
            for task, attempt, status, line in database.execute(asked):
                found.setdefault(task, []).append((attempt, status, line))
        return found

    def verdicts(self, task: str, attempt: int) -> list[dict[str, Any]]:
        """What verifiers said of an attempt."""
        with self.index.reading() as database:
            asked = "SELECT said FROM verdicts WHERE task = ? AND attempt = ? ORDER BY verifier"
            return [read_json(row[0].encode()) for row in database.execute(asked, (task, attempt))]

    # --- one attempt ------------------------------------------------------------------------------------------------

    def raw(self, row: sqlite3.Row) -> bytes:
        """The bytes of a line, at most :data:`LONGEST`."""
        return read_line(self.source.path, row["place"], row["length"])

    def attempt(self, row: sqlite3.Row) -> Attempt | None:
        """The attempt of a line; None when the line is not what was indexed any more, or was damaged then."""
        if row["damage"] is not None or row["length"] > LONGEST:
            return None
        key = (row["id"], row["crc"])
        with self._lock:
            if key in self._attempts:
                self._attempts.move_to_end(key)
                return self._attempts[key][1]
        if checksum(self.source.path, row["place"], row["length"]) != row["crc"]:
            return None
        attempt = attempt_from(read_json(self.raw(row)))
        with self._lock:
            self._attempts[key] = (row["length"], attempt)
            while len(self._attempts) > 1 and sum(size for size, _ in self._attempts.values()) > _KEPT_BYTES:
                self._attempts.popitem(last=False)
        return attempt


def _totals(database: sqlite3.Connection) -> Totals:
    def counted(column: str, where: str = "1") -> tuple[tuple[str, int], ...]:
        asked = f"SELECT {column}, count(*) AS n FROM attempts WHERE {where} GROUP BY {column} ORDER BY n DESC, {column}"  # noqa: S608
        return tuple((str(name), count) for name, count in database.execute(asked))

    sums = database.execute(
        "SELECT count(*), avg(CASE WHEN status NOT IN ('masked', 'damaged') THEN reward END), sum(steps), sum(tokens),"
        " sum(cost), total(seconds) FROM attempts INDEXED BY attempts_counted"
    ).fetchone()
    statuses = dict(counted("status"))
    asked = "SELECT status, why, count(*) AS n FROM attempts GROUP BY status, why ORDER BY n DESC, why"
    return Totals(
        attempts=sums[0],
        statuses={status: statuses.get(status, 0) for status in STATUSES},
        mean=sums[1],
        reasons=tuple(map(tuple, database.execute(asked))),
        exits=counted('"exit"', "status <> 'damaged'"),
        boundaries=counted("boundary", "boundary <> ''"),
        tools=tuple(
            map(
                tuple,
                database.execute(
                    "SELECT tool, sum(calls) AS n FROM tools GROUP BY tool ORDER BY n DESC, tool"
                ),
            )
        ),
        tasks=database.execute(
            "SELECT count(DISTINCT task) FROM attempts WHERE status <> 'damaged'"
        ).fetchone()[0],
        steps=sums[2] or 0,
        tokens=sums[3],
        cost=sums[4],
        seconds=sums[5],
    )


@dataclass
class Catalogue:
    """Everything that is open."""

    runs: dict[str, OpenRun] = field(default_factory=dict)
    datasets: dict[str, TaskTable] = field(default_factory=dict)

    @classmethod
    def open(cls, sources: Iterable[Source], home: Path) -> Catalogue:
        """Open what was found.

        Raises:
            UsageError: an index can be written nowhere.
            DatasetError: a dataset cannot be read.
        """
        opened = cls()
        for source in sources:
            if isinstance(source, DatasetSource):
                from r2egym.viewer.tasks import TaskTable

                opened.datasets[source.name] = TaskTable(source)
            else:
                opened.runs[source.name] = OpenRun(source, home)
        return opened

    def refresh(self, seconds: float) -> bool:
        """Read on in every run, for so long at most. Returns whether there is more to read at once."""
        ends, more = time.monotonic() + seconds, True
        while more and time.monotonic() < ends:
            more = sum(run.index.refresh() for run in self.runs.values()) > 0
        return more

    def build(self) -> None:
        """Read all there is."""
        for run in self.runs.values():
            run.index.build()

    def task(self, name: str) -> tuple[str, Task] | None:
        """The name of the dataset that has a task, and the task."""
        for dataset in self.datasets.values():
            if (found := dataset.task(name)) is not None:
                return dataset.name, found
        return None

    def search(self, text: str, runs: Sequence[str], sort: str) -> tuple[Query, list[tuple[OpenRun, Found]]]:
        """What a search finds, run by run."""
        query = parse_query(text)
        chosen = [self.runs[name] for name in runs if name in self.runs] or list(self.runs.values())
        return query, [(run, run.find(query, sort)) for run in chosen]
