"""Pages about datasets and their tasks."""

from __future__ import annotations

from collections import Counter
from pathlib import PurePosixPath
from statistics import median
from typing import TYPE_CHECKING, Any

from r2egym.tasks import strengths_of
from r2egym.viewer.catalogue import Catalogue
from r2egym.viewer.highlight import code, diff, prose
from r2egym.viewer.page import Page, window
from r2egym.viewer.render import link, render
from r2egym.viewer.text import one_line, visible

if TYPE_CHECKING:
    from r2egym.records import Task
    from r2egym.viewer.tasks import Entry, TaskTable

_A_PAGE = 100
_TESTS = 300
_REPOS = 20


def dataset_page(dataset: TaskTable, page: Page, start: int) -> str:
    """A dataset: where it comes from, how it is distributed, its tasks."""
    entries = list(dataset.entries.values())
    words = page.q.lower().split()
    found = [
        entry
        for entry in entries
        if all(word in f"{entry.task} {entry.repo} {entry.title}".lower() for word in words)
    ]
    address = link("datasets", dataset.name, q=page.q) + ("&" if page.q else "?") + "start="
    view = window(len(found), start, _A_PAGE, address)
    repos = Counter(entry.repo for entry in entries).most_common()
    sized = [entry.size for entry in entries if entry.size]
    return render(
        "dataset.html",
        page=page,
        name=dataset.name,
        path=str(dataset.source.path),
        total=len(entries),
        repos=repos,
        by_repo=[_repository(dataset.name, name, entries) for name, _ in repos[:_REPOS]],
        repos_left=max(len(repos) - _REPOS, 0),
        most=repos[0][1] if repos else 0,
        mend=sum(entry.fail_to_pass for entry in entries),
        keep=sum(entry.pass_to_pass for entry in entries),
        lines=[size.added + size.removed for size in sized],
        files=[size.files for size in sized],
        f2p=[entry.fail_to_pass for entry in entries],
        rows=found[view.first - 1 : view.last],
        first=view.first,
        last=view.last,
        whole=len(found),
        earlier=view.earlier,
        later=view.later,
        **funnel_of(dataset),
    )


def _repository(dataset: str, name: str, entries: list[Entry]) -> dict[str, Any]:
    """A repository in numbers: medians over its tasks."""
    mine = [entry for entry in entries if entry.repo == name]
    sized = [entry.size for entry in mine if entry.size]

    def middle(numbers: list[int]) -> float | None:
        return median(numbers) if numbers else None

    return {
        "name": one_line(name, 40) or "not told",
        "address": link("datasets", dataset, q=name),
        "tasks": len(mine),
        "lines": middle([size.added + size.removed for size in sized]),
        "files": middle([size.files for size in sized]),
        "mend": middle([entry.fail_to_pass for entry in mine]),
        "keep": middle([entry.pass_to_pass for entry in mine]),
    }


def funnel_of(dataset: TaskTable) -> dict[str, Any]:
    """What the chart of a funnel shows: how many commits each stage kept, and why it turned others away."""
    funnel = dataset.funnel
    if funnel is None:
        return {"funnel": None, "stages": []}
    stages = [{"name": "history", "kept": funnel.commits, "lost": []}]
    for stage in funnel.stages:
        lost = [(one_line(str(reason), 40), entry["count"]) for reason, entry in stage["rejected"].items()]
        stages.append({"name": stage["stage"], "kept": stage["kept"], "lost": lost})
    return {"funnel": funnel, "stages": stages}


def task_page(catalogue: Catalogue, dataset: TaskTable, task: Task, page: Page) -> str:
    """A task: statement, gold, tests, recipe, certificate, and what was attempted."""
    attempts = [
        (run.name, row) for run in catalogue.runs.values() for row in run.rows_of_task(task.instance_id)
    ]
    tests = _tests(task)
    return render(
        "task.html",
        page=page,
        name=dataset.name,
        task=task,
        statement=prose(task.problem_statement),
        gold=diff(task.patch),
        proof=task.validation,
        seals=[f"{count} {strength}" for strength, count in strengths_of(task).items() if count],
        attacks=[(names.split("+"), score) for names, score in task.validation.attacks.items()],
        tests=tests[:_TESTS],
        tests_left=max(len(tests) - _TESTS, 0),
        hidden=[_hidden(file.path, file.content, file.encoding) for file in task.hidden_tests.files],
        recipe=code(task.environment.recipe.model_dump_json(indent=2), ".json"),
        lock=visible("\n".join(task.environment.lock)),
        attempts=attempts,
    )


def _hidden(path: str, content: str, encoding: str) -> tuple[str, Any]:
    if encoding != "utf-8":
        return path, f"{len(content):,} characters of base64"
    return path, code(content[:200_000], PurePosixPath(path).suffix)


def _tests(task: Task) -> list[dict[str, str]]:
    wanted = [("begin to pass", name) for name in task.fail_to_pass]
    wanted += [("keep passing", name) for name in task.pass_to_pass]
    known = {name for _, name in wanted}
    wanted += [("\u2013", name) for name in task.gold_statuses if name not in known]
    return [
        {
            "name": name,
            "role": role,
            "base": str(task.base_statuses.get(name, "")),
            "gold": str(task.gold_statuses.get(name, "")),
            "seal": task.validation.seal.get(name, ""),
        }
        for role, name in wanted
    ]
