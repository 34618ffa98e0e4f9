"""Datasets: what is written comes back, byte for byte the same each time, from every kind of source."""

import errno
import hashlib
import json
import os
import resource
import signal
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from r2egym.errors import DatasetError, UsageError
from r2egym.records import Calibration, Environment, HiddenFile, HiddenTests, Recipe, Size, Task, Validation
from r2egym.tasks import (
    COLUMNS,
    Dataset,
    cache_dataset,
    from_row,
    load_dataset,
    read_predictions,
    to_row,
    write_dataset,
)
from r2egym.tasks.roots import find_root

PUBLISHED = COLUMNS[:14]


def make_task(number: int = 1, **changes: object) -> Task:
    """A small task that says something in every field."""
    fix = hashlib.sha1(str(number).encode()).hexdigest()
    fields = {
        "instance_id": f"toy__{fix[:12]}",
        "repo": "toy",
        "base_commit": "b" * 40,
        "fix_commit": fix,
        "tests_commit": "c" * 40,
        "patch": "diff --git a/x b/x\n",
        "test_patch": "",
        "fail_to_pass": ("tests/test_x.py::test_a[ü - 1]",),
        "pass_to_pass": ("tests/test_x.py::TestX::test_b",),
        "base_statuses": {"tests/test_x.py::test_a[ü - 1]": "FAILED"},
        "gold_statuses": {"tests/test_x.py::test_a[ü - 1]": "PASSED", "tests/test_x.py::test_c": "XFAIL"},
        "environment": Environment(
            repository="repos/toy.bundle", recipe=Recipe(python="3.11"), as_of="2020-01-01T00:00:00Z", lock=()
        ),
        "hidden_tests": HiddenTests(files=(HiddenFile(path="tests/test_x.py", content="…"),)),
        "validation": Validation(gold=1.0, empty=0.0, twinned=("tests/test_x.py::test_a[ü - 1]",)),
        "problem_statement": "It breaks.",
        "size": Size(
            files=1,
            hunks=2,
            added=3,
            removed=4,
            entities=5,
            directories=6,
            widest_gap=7,
            fail_to_pass=8,
            pass_to_pass=9,
        ),
        "duplicate_of": "toy__000000000000",
        "swebench": False,
        "published": {
            "num_non_test_files": 1,
            "modified_files": ["x"],
            "modified_entity_summaries": [
                {
                    "file_name": "x",
                    "type": "function",
                    "name": "f",
                    "ast_type_str": "FunctionDef",
                    "start_lineno": 1,
                    "end_lineno": 2,
                }
            ],
        },
        **changes,
    }
    return Task.model_validate(fields)


def test_a_task_survives_the_trip(tmp_path: Path):
    """Task → row → parquet → row → task loses nothing."""
    task = make_task()
    write_dataset(tmp_path, [task])
    loaded = load_dataset(tmp_path)
    assert loaded.root == tmp_path
    (again,) = loaded
    assert again.model_dump(exclude={"published"}) == task.model_dump(exclude={"published"})
    assert task.published.items() <= again.published.items()
    assert to_row(again) == to_row(task)


def test_rows_have_both_conventions(tmp_path: Path):
    """The 14 published columns and SWE-bench's are all there."""
    write_dataset(tmp_path, [make_task()])
    names = pq.read_schema(tmp_path / "tasks.parquet").names
    assert names == list(COLUMNS)
    assert {"repo_name", "commit_hash", "expected_output_json", "FAIL_TO_PASS", "base_commit"} <= set(names)


def test_parquet_is_byte_identical(tmp_path: Path):
    """Equal tasks give equal bytes, whatever order they come in."""
    tasks = [make_task(number) for number in range(5)]
    write_dataset(tmp_path / "a", tasks)
    write_dataset(tmp_path / "b", reversed(tasks))
    first, second = ((tmp_path / name / "tasks.parquet").read_bytes() for name in "ab")
    assert first == second


def test_one_name_twice_is_refused(tmp_path: Path):
    """Two tasks of one name are an error, and the old file stays."""
    write_dataset(tmp_path, [make_task()])
    before = (tmp_path / "tasks.parquet").read_bytes()
    with pytest.raises(DatasetError, match="two tasks"):
        write_dataset(tmp_path, [make_task(), make_task(problem_statement="other")])
    assert (tmp_path / "tasks.parquet").read_bytes() == before


def test_every_source_reads_alike(tmp_path: Path):
    """A folder, its parquet file and JSONL of the same rows give the same tasks."""
    write_dataset(tmp_path, [make_task(), make_task(2)])
    rows = pq.read_table(tmp_path / "tasks.parquet").to_pylist()
    jsonl = tmp_path / "tasks.jsonl"
    jsonl.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    folder, parquet, lines = (load_dataset(p) for p in (tmp_path, tmp_path / "tasks.parquet", jsonl))
    assert folder == parquet == lines
    assert len(folder) == 2


def test_newer_schema_is_one_line(tmp_path: Path):
    """A row written by a newer version is refused in one line that says what to do."""
    row = to_row(make_task()) | {"schema_version": 99, "hidden_tests": "who knows"}
    with pytest.raises(DatasetError, match=r"schema 99, .* update r2egym$"):
        from_row(row)


def test_rows_without_a_calibration_keep_their_identity():
    """What a sealed run tells is not written where none told it; where one did, it comes back."""
    plain = Validation(gold=1.0)
    assert not {"sites", "forgeable"} & plain.model_dump().keys()
    sites = Calibration(digest="0" * 16, tests={"t.py::test": ("0:0", "3?")})
    sealed = make_task(validation=Validation(sites=sites, seal={"t.py::test": "strong"}, forgeable=False))
    assert from_row(to_row(sealed)).validation == sealed.validation


def test_rows_of_the_first_schema_are_read():
    """What they do not say is None."""
    row = to_row(make_task(validation=Validation(gold=1.0))) | {"schema_version": 1}
    row["validation"] = json.dumps({"gold": 1.0})
    for name in ("tests_commit", "size", "duplicate_of", "swebench"):
        del row[name]
    task = from_row(row)
    assert (task.schema_version, task.validation.twinned) == (1, None)
    assert (task.tests_commit, task.size, task.duplicate_of, task.swebench) == (None, None, None, None)
    assert from_row(to_row(task)) == task


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"environment": "{}"}, "damaged row"),
        ({"hidden_tests": None}, "damaged row"),
        ({"base_commit": None}, "damaged row"),
    ],
)
def test_damaged_rows_are_named(change: dict, says: str):
    """A row that does not fit is named in one line."""
    with pytest.raises(DatasetError, match=says) as caught:
        from_row(to_row(make_task()) | change)
    assert "\n" not in str(caught.value)


def test_what_is_no_dataset_is_one_line(tmp_path: Path):
    """A missing path, an empty folder and a file of something else: one line each."""
    (tmp_path / "bad.parquet").write_text("not parquet")
    (tmp_path / "bad.jsonl").write_text('{"a": 1}\nnonsense\n')
    for source, says in (
        (tmp_path / "absent", "no such file"),
        (tmp_path, "no tasks.parquet"),
        (tmp_path / "bad.parquet", "cannot be read as parquet"),
        (tmp_path / "bad.jsonl", "not a row of tasks|column"),
    ):
        with pytest.raises(DatasetError, match=says):
            load_dataset(source)


def test_full_disk_leaves_the_old_file(tmp_path: Path):
    """When the new file cannot be written, the old one stays whole and nothing lies beside it."""
    write_dataset(tmp_path, [make_task()])
    before = (tmp_path / "tasks.parquet").read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    previous = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard))
    try:
        with pytest.raises(OSError, match=os.strerror(errno.EFBIG)):
            write_dataset(tmp_path, [make_task(number) for number in range(9)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, previous)
    assert (tmp_path / "tasks.parquet").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["tasks.parquet"]


def test_predictions_name_the_bad_line(tmp_path: Path):
    """A predictions file is read lazily; a bad line is named with its number."""
    path = tmp_path / "predictions.jsonl"
    path.write_text(
        '{"instance_id": "a", "model_patch": "x", "model_name_or_path": "m"}\n\n'
        '{"instance_id": "b", "model_patch": null}\n{"instance_id": 3}\n'
    )
    predictions = read_predictions(path)
    assert next(predictions).model_patch == "x"
    assert next(predictions).model_patch == ""
    with pytest.raises(DatasetError, match=r"predictions\.jsonl, line 4: expected an object"):
        next(predictions)
    with pytest.raises(UsageError, match="no such file"):
        next(read_predictions(tmp_path / "absent.jsonl"))


def test_a_task_is_found_by_name():
    """A dataset finds a task by its id and says what is missing otherwise."""
    task = make_task()
    assert Dataset((task,)).find(task.instance_id) is task
    with pytest.raises(DatasetError, match="no task 'nope'"):
        Dataset((task,)).find("nope")


def test_a_folder_that_was_read_is_found_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A row alone leads to the newest dataset that holds the task and what its row refers to."""
    monkeypatch.setenv("R2EGYM_HOME", str(tmp_path / "home"))
    task = make_task()
    write_dataset(tmp_path / "data", Dataset((task,)))
    assert find_root(tmp_path / "home", task) is None
    load_dataset(tmp_path / "data")
    assert find_root(tmp_path / "home", task) is None, "the folder lacks the bundle"
    (tmp_path / "data" / "repos").mkdir()
    (tmp_path / "data" / "repos" / "toy.bundle").touch()
    assert find_root(tmp_path / "home", task) == tmp_path / "data"
    write_dataset(tmp_path / "other", Dataset((make_task(2),)))
    (tmp_path / "other" / "repos").mkdir()
    (tmp_path / "other" / "repos" / "toy.bundle").touch()
    load_dataset(tmp_path / "other")
    assert find_root(tmp_path / "home", task) == tmp_path / "data", "a newer dataset without this task"


@pytest.mark.parametrize(
    ("source", "name", "says"),
    [("absent", "a/b", "no dataset's folder"), ("rows", "ab", "owner/name"), ("rows", "a/b/c", "owner/name")],
)
def test_what_cannot_be_cached_is_one_line(tmp_path: Path, source: str, name: str, says: str):
    """A dataset that is not there, and a name that no hub has."""
    write_dataset(tmp_path / "rows", Dataset((make_task(),)))
    with pytest.raises(DatasetError, match=says):
        cache_dataset(tmp_path / source, name)
