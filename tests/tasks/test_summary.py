"""The numbers of a dataset: from its rows, its funnel, its times, its folder."""

from pathlib import Path

import pytest

from r2egym.building.weigh import weigh
from r2egym.errors import DatasetError
from r2egym.records import Environment, Recipe, Task, Validation
from r2egym.sandboxes import open_backend
from r2egym.settings import Settings
from r2egym.tasks import sealed_at_least, write_dataset
from r2egym.tasks.disk import measure_disk
from r2egym.tasks.summary import flake, read_times, read_yield, seals, sizes

DIFF = "diff --git a/{0} b/{0}\n--- a/{0}\n+++ b/{0}\n@@ -1 +1,2 @@\n-x\n+y\n+z\n"


def task(number: int, **changes: object) -> Task:
    """A task; ``number`` of it tells how many files, tests and flaky tests."""
    fields = {
        "instance_id": f"toy__{number:012}",
        "repo": "toy",
        "base_commit": "b" * 40,
        "fix_commit": f"{number:040}",
        "patch": "".join(DIFF.format(f"f{n}.py") for n in range(number)),
        "test_patch": "",
        "fail_to_pass": tuple(f"t.py::test_{n}" for n in range(number)),
        "pass_to_pass": (),
        "gold_statuses": {f"t.py::test_{n}": "PASSED" for n in range(number)},
        "environment": Environment(
            repository="repos/toy.bundle", recipe=Recipe(python="3.11"), as_of="2020-01-01T00:00:00Z", lock=()
        ),
        "hidden_tests": {"files": ()},
        "validation": Validation(flaky=("t.py::test_f",) if number == 1 else ()),
        "published": {"parsed_commit_content": "whole files " * 500},
        **changes,
    }
    return Task.model_validate(fields)


def test_sizes_come_from_the_rows():
    """Files, lines and tests are counted in the patch and the lists, whatever the published columns say."""
    found = sizes([task(number) for number in range(1, 11)])
    assert found.files.model_dump() == {"min": 1, "median": 5.5, "p90": 9, "max": 10}
    assert found.lines.max == 30
    assert found.fail_to_pass.median == 5.5
    assert sizes([]).files.max == 0


def test_flake_is_a_share_of_all_tests():
    """Flaky tests are in no list, and still count among the tests that were seen."""
    found = flake([task(1), task(2)])
    assert (found.tests, found.flaky, found.share, found.tasks_with_flaky) == (4, 1, 0.25, 1)
    assert flake([]).share == 0.0


def test_seals_are_counted_by_test_and_by_task():
    """A task counts as its strongest test; one that no sealed run has seen is not known."""
    rows = [
        task(1, validation=Validation(seal={"a": "strong", "b": "none"})),
        task(2, validation=Validation(seal={"a": "polarity"})),
        task(3),
    ]
    found = seals(rows)
    assert (found.tasks, found.unknown, found.forgeable) == (2, 1, 1)
    assert found.tests == {"strong": 1, "polarity": 1, "none": 1}
    assert found.strongest == {"strong": 1, "polarity": 1, "none": 0}
    assert [sealed_at_least(row, "polarity") for row in rows] == [True, True, False]
    assert [sealed_at_least(row, "strong") for row in rows] == [True, False, False]


def test_yield_tells_what_was_built(tmp_path: Path):
    """Built: candidates less those that were rejected by then; reasons are those against candidates."""
    rejected = {
        "mine": {"no-tests": 5},
        "select": {"no-test-module": 1},
        "build": {"resolve-failed": 2},
        "classify": {"fix-fails": 3},
    }
    stages = [
        {"stage": stage, "seen": 0, "kept": 0, "rejected": {why: {"count": n} for why, n in found.items()}}
        for stage, found in rejected.items()
    ]
    funnel = {"repository": "toy", "commits": 15, "candidates": 10, "tasks": 4, "stages": stages}
    write_dataset(tmp_path, [], funnel=funnel)
    found = read_yield(tmp_path)
    assert found is not None
    assert (found.candidates, found.built, found.proven, found.failures) == (10, 7, 4, 0)
    assert list(found.reasons) == ["fix-fails", "resolve-failed", "no-test-module"]


def test_times_are_summed_by_stage(tmp_path: Path):
    """Stages that few candidates came to count those few; what was resumed is not part of the speed."""
    candidates = {"a": {"build": 1.0, "prove": 3.0}, "b": {"build": 3.0}}
    write_dataset(tmp_path, [], timing={"seconds": 6.0, "resumed": 1, "candidates": candidates})
    found = read_times(tmp_path)
    assert found is not None
    assert (found.worked, found.candidates_a_minute) == (7.0, 10.0)
    assert found.stages["build"].model_dump() == {"candidates": 2, "total": 4.0, "median": 2.0, "p95": 3.0}
    assert found.stages["prove"].candidates == 1


def test_missing_files_are_told_apart_from_damaged_ones(tmp_path: Path):
    """No file: nothing known. A damaged one: an error that names it."""
    assert read_yield(tmp_path) is None
    assert read_times(None) is None
    (tmp_path / "funnel.json").write_text("{}")
    with pytest.raises(DatasetError, match=r"funnel\.json"):
        read_yield(tmp_path)
    (tmp_path / "timing.json").write_text("{")
    with pytest.raises(DatasetError, match=r"timing\.json"):
        read_times(tmp_path)


def test_disk_counts_rows_and_what_lies_beside_them(tmp_path: Path):
    """The full-file columns are told apart, to the byte of the file's own column sizes; attachments are apart."""
    write_dataset(tmp_path, [task(number) for number in (1, 2)])
    (tmp_path / "repos").mkdir()
    (tmp_path / "repos" / "toy.bundle").write_bytes(b"x" * 1000)
    found = measure_disk(tmp_path)
    assert found.rows == (tmp_path / "tasks.parquet").stat().st_size
    assert found.rows_a_task == found.rows / 2
    assert 0 < found.full_files < found.rows
    assert found.lean_rows_a_task == (found.rows - found.full_files) / 2
    assert found.attachments == {"repos": 1000}
    without = [task(number, published={}) for number in (1, 2)]
    write_dataset(tmp_path / "lean", without)
    assert abs(measure_disk(tmp_path / "lean").rows - (found.rows - found.full_files)) < 200


def test_weighing_layers_builds_none(tmp_path: Path):
    """On a machine that never saw a dataset, its layers are absent, and stay so."""
    write_dataset(tmp_path / "set", [task(1)])
    home = tmp_path / "home"
    known = Settings(home=home, path=(), pyenv_root=home, user_home=home)
    found = weigh([task(1)], tmp_path / "set", known, open_backend("memory", home))
    assert (found.bytes, found.bytes_a_task, found.absent) == (0, None, {"repositories": 1})
    assert not (home / "layers").exists()
