"""One row, two conventions: how a :class:`~r2egym.records.Task` becomes columns and comes back.

The first fourteen columns are the published R2E-Gym ones, the next are SWE-bench's names and ours. Nested values are
JSON text, as in the published sets, so that every reader of parquet sees plain columns. ``FAIL_TO_PASS`` and
``PASS_TO_PASS`` are JSON text as in SWE-bench.

Rows of the published sets (the first fourteen columns only) are read too. They hold no environment but the name of an image, so
they are run and graded under Docker; what passed before the fix is read from the log that the row holds. So are rows of
SWE-bench (``instance_id``, ``base_commit``, ``image`` and so on).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import JsonValue, ValidationError

from r2egym.errors import DatasetError
from r2egym.grading import parse_summary, published_statuses
from r2egym.mining import is_test_path
from r2egym.records import (
    SCHEMA_VERSION,
    Environment,
    HiddenFile,
    HiddenTests,
    Recipe,
    Size,
    Task,
    TestStatus,
    Validation,
)

if TYPE_CHECKING:
    import pyarrow as pa

Row = dict[str, Any]
"""A row as parquet and JSON have it."""

_PUBLISHED = (
    "repo_name", "docker_image", "commit_hash", "parsed_commit_content", "execution_result_content",
    "modified_files", "modified_entity_summaries", "relevant_files", "num_non_test_files",
    "num_non_test_func_methods", "num_non_test_lines", "prompt", "problem_statement", "expected_output_json",
)  # fmt: skip
_OURS = (
    "instance_id", "repo", "base_commit", "patch", "test_patch", "FAIL_TO_PASS", "PASS_TO_PASS", "environment",
    "hidden_tests", "validation", "test_statuses", "issue_source", "schema_version", "tests_commit",
    "size", "duplicate_of", "swebench", "issue_provenance",
)  # fmt: skip
COLUMNS = (*_PUBLISHED, *_OURS)
"""Every column, in its order."""

_LISTS = ("modified_files", "relevant_files")
_NUMBERS = ("num_non_test_files", "num_non_test_func_methods", "num_non_test_lines")
_DERIVED = frozenset({"repo_name", "commit_hash", "problem_statement", "expected_output_json"})
_ENTITY = (
    ("file_name", str), ("type", str), ("name", str), ("ast_type_str", str), ("start_lineno", int),
    ("end_lineno", int),
)  # fmt: skip


def arrow_schema() -> pa.Schema:
    """The explicit schema of ``tasks.parquet``."""
    import pyarrow as pa

    entity = pa.struct([(name, pa.string() if kind is str else pa.int64()) for name, kind in _ENTITY])
    special: dict[str, pa.DataType] = {
        "modified_entity_summaries": pa.list_(entity),
        "schema_version": pa.int64(),
        "swebench": pa.bool_(),
        **dict.fromkeys(_LISTS, pa.list_(pa.string())),
        **dict.fromkeys(_NUMBERS, pa.int64()),
    }
    return pa.schema([(name, special.get(name, pa.string())) for name in COLUMNS])


def to_row(task: Task) -> Row:
    """The columns of a task. Keys of ``task.published`` that are no columns are left out."""
    told = {name: task.published[name] for name in _PUBLISHED if name in task.published}
    return {
        **dict.fromkeys(_PUBLISHED, ""),
        **{name: [] for name in (*_LISTS, "modified_entity_summaries")},
        **dict.fromkeys(_NUMBERS, 0),
        **told,
        "repo_name": task.repo,
        "commit_hash": task.fix_commit,
        "problem_statement": task.problem_statement,
        "expected_output_json": _text(published_statuses(task.gold_statuses)),
        "instance_id": task.instance_id,
        "repo": task.repo,
        "base_commit": task.base_commit,
        "patch": task.patch,
        "test_patch": task.test_patch,
        "FAIL_TO_PASS": _text(task.fail_to_pass),
        "PASS_TO_PASS": _text(task.pass_to_pass),
        "environment": task.environment.model_dump_json(),
        "hidden_tests": task.hidden_tests.model_dump_json(),
        "validation": task.validation.model_dump_json(),
        "test_statuses": _text({"base": task.base_statuses, "gold": task.gold_statuses}),
        "issue_source": task.issue_source,
        "schema_version": task.schema_version,
        "tests_commit": task.tests_commit,
        "size": task.size.model_dump_json() if task.size else None,
        "duplicate_of": task.duplicate_of,
        "swebench": task.swebench,
        "issue_provenance": _text(task.issue_provenance) if task.issue_provenance else None,
    }


def from_row(row: Mapping[str, Any]) -> Task:
    """The task that a row holds.

    Args:
        row: a row of ours, or one of the published sets' shape.

    Raises:
        DatasetError: it is neither, it is damaged, or a newer version of this program wrote it.
    """
    name = str(row.get("instance_id") or row.get("commit_hash") or "a row")
    version = row.get("schema_version")
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise DatasetError(
            f"{name}: written with schema {version}, and this r2egym reads up to {SCHEMA_VERSION}; update r2egym"
        )
    try:
        if row.get("environment"):
            return _own(row)
        return _foreign(row) if "parsed_commit_content" in row or "instance_id" not in row else _swebench(row)
    except KeyError as error:
        raise DatasetError(f"{name}: not a row of tasks: column {error.args[0]!r} is missing") from None
    except (ValidationError, ValueError, TypeError, AttributeError) as error:
        first = str(error).partition("\n")[0]
        raise DatasetError(f"{name}: a damaged row: {first}") from None


def _own(row: Mapping[str, Any]) -> Task:
    statuses = json.loads(row["test_statuses"])
    return Task(
        instance_id=row["instance_id"],
        repo=row["repo"],
        base_commit=row["base_commit"],
        fix_commit=row["commit_hash"],
        patch=row["patch"],
        test_patch=row["test_patch"],
        fail_to_pass=tuple(_list(row["FAIL_TO_PASS"])),
        pass_to_pass=tuple(_list(row["PASS_TO_PASS"])),
        base_statuses=statuses["base"],
        gold_statuses=statuses["gold"],
        environment=Environment.model_validate_json(row["environment"]),
        hidden_tests=HiddenTests.model_validate_json(row["hidden_tests"]),
        validation=Validation.model_validate_json(row["validation"]),
        problem_statement=row["problem_statement"],
        issue_source=row["issue_source"],
        published=_told(row),
        schema_version=row["schema_version"],
        tests_commit=row.get("tests_commit"),
        size=Size.model_validate_json(row["size"]) if row.get("size") else None,
        duplicate_of=row.get("duplicate_of"),
        swebench=row.get("swebench"),
        issue_provenance=json.loads(row.get("issue_provenance") or "{}"),
    )


def _foreign(row: Mapping[str, Any]) -> Task:
    """A row of the published shape; its tests and diffs come out of its JSON columns."""
    from r2egym.mining import rebuild_diff

    parsed = json.loads(row["parsed_commit_content"])
    sides: dict[bool, list[Any]] = {True: [], False: []}
    for file in parsed["file_diffs"]:
        sides[is_test_path(file["header"]["file"]["path"])].append(file)
    source, tests = (rebuild_diff({**parsed, "file_diffs": sides[side]}) for side in (False, True))
    run = json.loads(row.get("execution_result_content") or "{}")
    files = zip(run.get("test_file_names", ()), run.get("test_file_codes", ()), strict=True)
    commit, repo = str(row["commit_hash"]), str(row.get("repo_name") or row["repo"])
    statuses = {test: TestStatus(status) for test, status in json.loads(row["expected_output_json"]).items()}
    before = published_statuses(parse_summary(str(run.get("old_commit_res_stdout") or "")))
    passing = [test for test, status in statuses.items() if status is TestStatus.PASSED]
    return Task(
        instance_id=f"{repo}__{commit[:12]}",
        repo=repo,
        base_commit=parsed["old_commit_hash"],
        fix_commit=commit,
        patch=source,
        test_patch=tests,
        fail_to_pass=tuple(test for test in passing if before.get(test) is not TestStatus.PASSED),
        pass_to_pass=tuple(test for test in passing if before.get(test) is TestStatus.PASSED),
        base_statuses=before,
        gold_statuses=statuses,
        environment=Environment(
            repository="",
            recipe=Recipe(python="", origin=f"image {row['docker_image']}"),
            as_of=str(parsed.get("commit_date", "")),
            lock=(),
        ),
        hidden_tests=HiddenTests(files=tuple(HiddenFile(path=path, content=code) for path, code in files)),
        problem_statement=row["problem_statement"],
        issue_source="published",
        published=_told(row),
    )


def _swebench(row: Mapping[str, Any]) -> Task:
    """A row of SWE-bench; what its judge works from is kept as it is."""
    image = str(row.get("image") or row.get("docker_image") or "")
    kept = {
        name: row.get(name) for name in ("image", "eval_script", "log_parser", "eval_type", "repo", "version")
    }
    return Task(
        instance_id=row["instance_id"],
        repo=str(row["repo"]).rpartition("/")[2],
        base_commit=row["base_commit"],
        fix_commit="",
        patch=row["patch"],
        test_patch=row["test_patch"],
        fail_to_pass=tuple(_list(row["FAIL_TO_PASS"])),
        pass_to_pass=tuple(_list(row["PASS_TO_PASS"])),
        environment=Environment(
            repository="", recipe=Recipe(python="", origin=f"image {image}"), as_of="", lock=()
        ),
        hidden_tests=HiddenTests(files=()),
        problem_statement=row["problem_statement"],
        issue_source="swebench",
        published={"docker_image": image, "swebench": {name: _plain(value) for name, value in kept.items()}},
        swebench=True,
    )


def _told(row: Mapping[str, Any]) -> dict[str, JsonValue]:
    return {
        name: _plain(row[name]) for name in _PUBLISHED if name not in _DERIVED and row.get(name) is not None
    }


def _plain(value: Any) -> JsonValue:
    """Arrow and numpy containers as plain lists and dicts."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, str | int | float | bool) or value is None:
        return value
    return [_plain(item) for item in value]


def _list(value: Any) -> list[str]:
    return list(json.loads(value) if isinstance(value, str) else value)


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
