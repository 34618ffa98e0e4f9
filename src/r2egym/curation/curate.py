"""The pipeline: a repository's history becomes a dataset of proved tasks.

Every outcome is journaled before it counts, so a killed run resumes where it was and a rerun does only what is new. A
failure of the machinery is no outcome: it is reported, and tried again by the next run.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import JsonValue, ValidationError

from r2egym import __version__
from r2egym.agents import Budget
from r2egym.curation.attachments import attach, keep_installs
from r2egym.curation.examine import Outcome
from r2egym.curation.examiner import Equipment, Examiner
from r2egym.curation.funnel import Funnel, Rejected
from r2egym.curation.installs import Install, summary
from r2egym.curation.marks import mark
from r2egym.curation.workshop import Options
from r2egym.curation.writers import open_writer
from r2egym.jobs import Executor, Journal, Threads
from r2egym.mining import Candidate, MiningConfig, Repository, mine
from r2egym.mining.mirror import is_url
from r2egym.records import SCHEMA_VERSION, Record, Task, content_hash
from r2egym.tasks import write_dataset
from r2egym.tasks.roots import remember_root

JOURNAL = "journal"
"""Folder of the journal, in the dataset's."""


class CurateConfig(Record):
    """All that decides what a curation gives."""

    source: str
    """Path or URL of a repository."""
    mining: MiningConfig = MiningConfig()
    """Which commits are candidates."""
    options: Options = Options()
    """How hard they are tried."""
    writer: str = "template"
    """Who describes the tasks: ``template``, or a model's name."""
    base_url: str | None = None
    """Where the writer's server is."""
    test_writer: str = ""
    """A model that writes tests for fixes that came without; empty: these are turned away."""
    installer: str = ""
    """A model that proposes recipes where discovery fails; empty: nobody does."""
    installer_budget: Budget = Budget()
    """What it may take."""
    sandbox: Literal["bubblewrap", "docker"] = "bubblewrap"
    """Where their tests run."""
    index: Path | None = None
    """A folder of wheels instead of the configured package index."""
    recipes: Path | None = None
    """A folder of recipe files, ``NAME.toml`` for the repository called NAME."""


class Progress(Record):
    """How far a curation is."""

    candidates: int
    """Candidates found so far."""
    done: int
    """Those of them with an outcome."""
    tasks: int
    failed: int


class Curated(Record):
    """What a curation gave."""

    commits: int
    candidates: int
    tasks: int
    failures: dict[str, str] = {}
    """Commit → why nothing is known of it: the machinery's fault; another run tries again."""
    resumed: int = 0
    """Candidates whose outcome an earlier run had found."""
    installer: dict[str, JsonValue] = {}
    """How often it was asked, what came of it, what it took; empty: there was none."""
    seconds: float = 0.0
    path: str = ""


@dataclass
class _Tally:
    """What is known so far."""

    funnel: Funnel = field(default_factory=Funnel)
    tasks: list[Task] = field(default_factory=list)
    commits: int = 0
    candidates: int = 0
    done: int = 0
    resumed: int = 0
    failures: dict[str, str] = field(default_factory=dict)
    installs: dict[str, Install] = field(default_factory=dict)
    """Commit of the fix → what was done where discovery failed."""
    seconds: dict[str, dict[str, float]] = field(default_factory=dict)

    def add(self, outcome: Outcome) -> None:
        self.done += 1
        self.seconds[outcome.commit] = outcome.seconds
        if outcome.install is not None:
            self.installs[outcome.commit] = outcome.install
        if outcome.task is not None:
            self.tasks.append(outcome.task)
            self.funnel.keep()
        elif outcome.rejected is not None:
            self.funnel.reject(outcome.rejected)

    def progress(self) -> Progress:
        return Progress(
            candidates=self.candidates, done=self.done, tasks=len(self.tasks), failed=len(self.failures)
        )


def curate(
    config: CurateConfig,
    out: Path,
    home: Path,
    *,
    jobs: int = 1,
    executor: Executor | None = None,
    report: Callable[[Progress], None] = lambda _: None,
) -> Curated:
    """Make a dataset in ``out``.

    Args:
        config: what to make.
        out: the dataset's folder, made when it is not there.
        home: where layers and sandboxes are kept.
        jobs: candidates worked on at once.
        executor: spreads them; default: threads.
        report: told after every step.

    Raises:
        RepositoryError: no repository, an empty one, or a bad revision.
        UsageError: another process is writing to ``out``, or the writer is not known.
        SandboxUnavailableError: this machine cannot run the sandbox.
        OSError: ``out`` cannot be written.
    """
    began = time.monotonic()
    open_writer(config.writer, base_url=config.base_url).close()
    repository = Repository.open(config.source, home)
    repository.resolve(config.mining.revision)
    spread = executor or Threads(jobs)
    with Journal(out / JOURNAL) as journal, ExitStack() as stack:
        known = _known(journal)
        examiner = stack.enter_context(_examiner(config, home, spread, _installs(config, known)))
        examiner.open(repository)
        tally = _Tally()
        fresh = _fresh(repository, config, known, tally, report)
        for outcome in spread.map(examiner, fresh, ordered=False):
            if isinstance(outcome, Outcome):
                asked = config.installer if outcome.lacks_environment else ""
                key = _key(config, outcome.commit, outcome.tests_commit, asked)
                journal.append({"key": key, **outcome.model_dump(mode="json")})
                tally.add(outcome)
            else:
                tally.failures[outcome[0]] = outcome[1]
            report(tally.progress())
        made = _write(config, repository, tally, out, time.monotonic() - began)
        remember_root(home, out)
        return made


def _installs(config: CurateConfig, known: dict[str, Outcome]) -> tuple[Install, ...]:
    """What earlier runs with these options found out about installs, without their transcripts."""
    outcomes = (_recall(config, known, one.commit, one.tests_commit) for one in known.values() if one.install)
    found = {one.commit: one.install for one in outcomes if one and one.install}
    return tuple(install.model_copy(update={"transcript": ()}) for install in found.values())


def _examiner(config: CurateConfig, home: Path, spread: Executor, installs: tuple[Install, ...]) -> Examiner:
    equipment = Equipment(
        source=config.source if is_url(config.source) else str(Path(config.source).absolute()),
        home=home.absolute(),
        options=config.options,
        writer=config.writer,
        base_url=config.base_url,
        test_writer=config.test_writer,
        installer=config.installer,
        budget=config.installer_budget,
        installs=installs,
        sandbox=config.sandbox,
        index=config.index and config.index.absolute(),
        recipes=config.recipes and config.recipes.absolute(),
    )
    return Examiner(equipment, lambda: spread.cancelled)


def _fresh(
    repository: Repository,
    config: CurateConfig,
    known: dict[str, Outcome],
    tally: _Tally,
    report: Callable[[Progress], None],
) -> Iterator[Candidate]:
    """Candidates without an outcome; all others are counted on the way."""
    mining = config.mining.model_copy(update={"needs_tests": False}) if config.test_writer else config.mining
    for found in mine(repository, mining):
        tally.commits += 1
        if not isinstance(found, Candidate):
            tally.funnel.reject(Rejected(commit=found.commit, stage="mine", reason=found.reason))
            continue
        tally.candidates += 1
        outcome = _recall(config, known, found.commit.hash, found.tests_commit)
        if outcome is not None:
            tally.resumed += 1
            tally.add(outcome)
        report(tally.progress())
        if outcome is None:
            yield found


def _recall(
    config: CurateConfig, known: dict[str, Outcome], commit: str, tests_commit: str | None
) -> Outcome | None:
    """The outcome that an earlier run found. One with an environment stays, whoever is to be asked for others."""
    outcome = known.get(_key(config, commit, tests_commit))
    if config.installer and (outcome is None or outcome.lacks_environment):
        return known.get(_key(config, commit, tests_commit, config.installer))
    return outcome


def _key(config: CurateConfig, commit: str, tests_commit: str | None, installer: str = "") -> str:
    """Identity of an outcome: everything that it depends on.

    Args:
        config: of the run.
        commit: the fix.
        tests_commit: where its tests come from, when not from itself.
        installer: who looked for an environment in vain; empty: nobody had to, or there was nobody.
    """
    return content_hash(
        {
            "commit": commit,
            "tests_commit": tests_commit,
            "options": config.options.model_dump(mode="json"),
            "writer": config.writer,
            **({"test_writer": config.test_writer} if config.test_writer else {}),
            **({"installer": [installer, config.installer_budget.model_dump()]} if installer else {}),
            "sandbox": config.sandbox,
            "index": " ".join(_fingerprints(config.index, "uploads.json")),
            "recipes": " ".join(_fingerprints(config.recipes, "*.toml")),
            "version": __version__,
            "schema": SCHEMA_VERSION,
        }
    )


def _fingerprints(folder: Path | None, pattern: str) -> list[str]:
    """What a folder of wheels or recipes says of itself, wherever it lies."""
    files = sorted(folder.glob(pattern)) if folder else []
    return [f"{file.name} {hashlib.sha256(file.read_bytes()).hexdigest()}" for file in files]


def _known(journal: Journal) -> dict[str, Outcome]:
    """Outcomes of earlier runs by their key; the last one of a key counts."""
    known = {}
    for record in journal.records():
        if not isinstance(record, dict):
            continue
        key = record.pop("key", None)
        try:
            known[str(key)] = Outcome.model_validate(record)
        except ValidationError:
            continue  # of a version with other records; it is worked out anew
    return known


def _write(config: CurateConfig, repository: Repository, tally: _Tally, out: Path, seconds: float) -> Curated:
    tasks = mark(tally.tasks, lambda task: repository.commit(task.fix_commit).committer_time)
    attach(out, repository, tasks, config.index)
    installer = summary(tally.installs.values()) if config.installer else {}
    if installer:
        keep_installs(out, repository.name, tally.installs)
    funnel: dict[str, Any] = {
        "repository": repository.url or repository.name,
        "commits": tally.commits,
        "candidates": tally.candidates,
        "tasks": len(tally.tasks),
        "stages": tally.funnel.summary(),
        "failures": dict(sorted(tally.failures.items())),
    }
    timing: dict[str, Any] = {
        "seconds": round(seconds, 3),
        "resumed": tally.resumed,
        "candidates": tally.seconds,
    }
    timing |= {"installer": installer} if installer else {}
    path = write_dataset(out, tasks, funnel=funnel, timing=timing)
    return Curated(
        commits=tally.commits,
        candidates=tally.candidates,
        tasks=len(tally.tasks),
        failures=tally.failures,
        resumed=tally.resumed,
        installer=installer,
        seconds=round(seconds, 3),
        path=str(path),
    )
