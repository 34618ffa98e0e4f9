"""New statements for the rows of a dataset, from what the rows say: nothing is built and no test is run.

Every statement is journaled before it counts, so that a killed run does not pay twice. Rows whose statement could not be had keep
the one that they have.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from pydantic import JsonValue

from r2egym.curation.evidence import Evidence, TestFailure, shorten
from r2egym.curation.writers import Statement, Writer, find_leaks
from r2egym.errors import DatasetError, UsageError
from r2egym.jobs import Journal, Threads
from r2egym.records import Record, Task, TestStatus, content_hash
from r2egym.tasks import Dataset, write_dataset
from r2egym.tasks.store import FUNNEL, TIMING

JOURNAL = "recollect"
"""Folder of the journal, in the new dataset's."""
_SECTION = re.compile(r"^## (.+)$", re.MULTILINE)
_FAILURE = "How it fails before the change:\n\n"
_BESIDE = ("repos", "index", "recipes", "installs")


class Recollected(Record):
    """What became of one row's statement."""

    instance_id: str
    changed: bool
    source: str
    """Who wrote the statement that the row has now."""
    provenance: dict[str, JsonValue] = {}
    statement: str = ""
    resumed: bool = False
    """Whether an earlier run had it."""


def recollect(
    dataset: Dataset,
    writer: Writer,
    out: Path,
    *,
    wanted: Callable[[Task], bool] = lambda _: True,
    jobs: int = 1,
) -> Iterator[Recollected]:
    """Write a dataset with new statements; yields what became of each row that was to have one.

    Args:
        dataset: the rows; its folder's bundles and wheels come along.
        writer: writes.
        out: the new dataset's folder; may be the old one's.
        wanted: which rows are to have a new statement.
        jobs: rows worked on at once.

    Raises:
        UsageError: no row is wanted, or another process is writing to ``out``.
        ModelError: the model's server refuses what it is asked, or cannot be reached at all.
        OSError: ``out`` cannot be written.
    """
    chosen = [task for task in dataset if wanted(task)]
    if not chosen:
        raise UsageError(f"none of {len(dataset)} rows is to have a new statement")
    found: dict[str, Statement] = {}
    with Journal(out / JOURNAL) as journal:
        known = {str(line["key"]): line for line in journal.records() if isinstance(line, dict)}

        def work(task: Task) -> tuple[Task, Statement, bool]:
            key = content_hash({"task": content_hash(task), "writer": writer.name})
            if key in known:
                return task, Statement.model_validate(known[key]["statement"]), True
            statement = writer.write(evidence_of(task))
            if "fallback" not in statement.provenance:  # another run may have more luck
                journal.append({"key": key, "statement": statement.model_dump(mode="json")})
            return task, statement, False

        for task, statement, resumed in Threads(jobs).map(work, chosen, ordered=False):
            kept = _kept(task, statement)
            if kept is not None:
                found[task.instance_id] = kept
            yield Recollected(
                instance_id=task.instance_id,
                changed=kept is not None,
                source=kept.source if kept else task.issue_source,
                provenance=statement.provenance,
                statement=kept.text if kept else "",
                resumed=resumed,
            )
        _write(dataset, found, out)


def _kept(task: Task, statement: Statement) -> Statement | None:
    """The statement, if it is to replace the one that is there.

    A template's that stands in for a model's is not: the row has one that was made when more was known.
    """
    if not statement.text.strip() or "fallback" in statement.provenance:
        return None
    return None if find_leaks(statement.text, evidence_of(task)) else statement


def _write(dataset: Dataset, found: dict[str, Statement], out: Path) -> None:
    rows = []
    for task in dataset:
        new = found.get(task.instance_id)
        if new is not None:
            told = {
                "problem_statement": new.text,
                "issue_source": new.source,
                "issue_provenance": new.provenance,
            }
            task = task.model_copy(update=told)  # noqa: PLW2901 - the same row with another statement
        rows.append(task)
    if dataset.root is not None and dataset.root.resolve() != out.resolve():
        for name in _BESIDE:
            if (dataset.root / name).is_dir():
                shutil.copytree(dataset.root / name, out / name, dirs_exist_ok=True)
        for name in (FUNNEL, TIMING):
            if (dataset.root / name).is_file():
                shutil.copyfile(dataset.root / name, out / name)
    write_dataset(out, rows)


def evidence_of(task: Task) -> Evidence:
    """What a row remembers of its evidence. Raises DatasetError: it has no commit to tell of."""
    try:
        parsed = json.loads(str(task.published["parsed_commit_content"]))
        files = [(str(file["header"]["file"]["path"]), file) for file in parsed["file_diffs"]]
    except (KeyError, TypeError, ValueError):
        raise DatasetError(
            f"{task.instance_id}: the row does not hold its commit, so nothing can be written"
        ) from None
    logs = json.loads(str(task.published.get("execution_result_content") or "{}"))
    tests = {file.path: file.content for file in task.hidden_tests.files if file.encoding == "utf-8"}
    paths = [(path, file) for path, file in files if path.endswith(".py") and path not in tests]
    return Evidence(
        repo=task.repo,
        commit=task.fix_commit,
        message=str(parsed.get("commit_message", "")),
        patch=task.patch,
        test_patch=task.test_patch,
        failures=tuple(_failures(task, str(logs.get("old_commit_res_stdout", "")))),
        base_files={
            path: str(file["old_file_content"]) for path, file in paths if file.get("old_file_content")
        },
        fix_files={
            path: str(file["new_file_content"]) for path, file in paths if file.get("new_file_content")
        },
        test_files={path: text for path, text in tests.items() if path.endswith(".py")},
        base_output=str(logs.get("old_commit_res_stdout", ""))[-1_000:],
        fix_output=str(logs.get("new_commit_res_stdout", ""))[-1_000:],
    )


def _failures(task: Task, log: str) -> Iterator[TestFailure]:
    """How the tests of the fix fail on base: whole where the row's brief has it, else the line of the log."""
    told = _sections(str(task.published.get("prompt", "")))
    short: dict[str, str] = {}
    for line in log.splitlines():
        test, dash, reason = line.partition(" ")[2].partition(" - ")
        if dash:
            short[test] = f"E   {reason}"
    for test in task.fail_to_pass:
        message = told.get(test, "").rpartition(_FAILURE)[2] or short.get(test, "")
        status = task.base_statuses.get(test, TestStatus.FAILED)
        yield TestFailure(test=test, status=status, message=shorten(message))


def _sections(text: str) -> dict[str, str]:
    parts = _SECTION.split(text)
    return {title.strip(): body.strip() for title, body in zip(parts[1::2], parts[2::2], strict=False)}
