"""From a proved task and its evidence to a statement that may be shown."""

from __future__ import annotations

from r2egym.curation.evidence import Evidence
from r2egym.curation.funnel import NotATaskError
from r2egym.curation.size import measure
from r2egym.curation.trial import Trial, tail
from r2egym.curation.writers import Writer, find_leaks
from r2egym.curation.writers.brief import brief
from r2egym.mining import Repository, is_test_path, parse_patch
from r2egym.records import Task


def gather(repository: Repository, task: Task, trial: Trial, fix: str) -> Evidence:
    """The evidence of a task; ``fix`` is the commit whose files are the fixed ones."""
    paths = [
        path
        for file in parse_patch(task.patch, max_bytes=1 << 30)
        for path in file.paths
        if path.endswith(".py") and not is_test_path(path)
    ]
    kept = set(task.fail_to_pass)
    return Evidence(
        repo=task.repo,
        commit=fix,
        message=repository.commit(fix).message,
        patch=task.patch,
        test_patch=task.test_patch,
        failures=tuple(failure for failure in trial.failures if failure.test in kept),
        base_files=_texts(repository, task.base_commit, paths),
        fix_files=_texts(repository, fix, paths),
        test_files={
            file.path: file.content
            for file in task.hidden_tests.files
            if file.encoding == "utf-8" and file.path.endswith(".py")
        },
        base_output=tail(trial.base_log),
        fix_output=tail(trial.gold_log),
    )


def describe(task: Task, evidence: Evidence, writer: Writer) -> Task:
    """The task with its statement and its size.

    Raises:
        NotATaskError: the writer said nothing, or gave the fix or a test away.
    """
    statement = writer.write(evidence)
    if not statement.text.strip():
        raise NotATaskError("describe", "no-statement", f"the writer {writer.name} said nothing")
    leaks = find_leaks(statement.text, evidence)
    if leaks:
        raise NotATaskError("describe", "leak", f"the statement tells {leaks[0]}")
    published = {**task.published, "prompt": brief(evidence)}
    return task.model_copy(
        update={
            "problem_statement": statement.text,
            "issue_source": statement.source,
            "issue_provenance": statement.provenance,
            "size": measure(task),
            "published": published,
        }
    )


def _texts(repository: Repository, commit: str, paths: list[str]) -> dict[str, str]:
    found = {}
    for path in paths:
        data = repository.read(commit, path)
        if data is not None:
            found[path] = data.decode("utf-8", "replace")
    return found
