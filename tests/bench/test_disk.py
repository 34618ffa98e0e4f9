"""The benches of a dataset at rest and of proofs."""

from pathlib import Path

import pytest
from tests.tasks.test_summary import task

from r2egym.bench.disk import run as bench_disk
from r2egym.bench.grading import run as bench_grading
from r2egym.bench.proof import run as bench_proof
from r2egym.errors import SandboxError, UsageError
from r2egym.sandboxes import open_backend
from r2egym.sandboxes.base import SandboxConfig
from r2egym.settings import Settings, load
from r2egym.tasks import write_dataset


def test_disk_of_a_dataset_that_was_never_used(tmp_path: Path):
    """Without layers there is no reference, and the note says so; rows are measured all the same."""
    write_dataset(tmp_path / "set", [task(1), task(2)])
    known = Settings(home=tmp_path / "home", path=(), pyenv_root=tmp_path, user_home=tmp_path)
    lines = list(bench_disk(known, str(tmp_path / "set")))
    assert [line.name for line in lines][:2] == [
        "a task at rest, without full-file columns",
        "a task at rest, with them",
    ]
    assert 0 < lines[0].ours < lines[1].ours
    assert all(line.reference is None and "no layers" in line.note for line in lines)
    with pytest.raises(UsageError, match="takes a dataset's folder"):
        list(bench_disk(known))


@pytest.mark.long
def test_proofs_hold_and_are_timed(tmp_path: Path):
    """Gold scores 1 and empty 0 on every task, beside the same tests run plainly."""
    try:
        open_backend("bubblewrap", tmp_path / "home").run(SandboxConfig(), ["/bin/true"], timeout=30)
    except SandboxError as error:
        pytest.skip(f"no sandbox can be started here: {error}")
    lines = {line.name: line for line in bench_proof(load(), limit=1)}
    assert lines["proofs that hold"].ratio == 1.0
    assert lines["proofs a minute"].ours > 0
    assert lines["a proof"].ratio


@pytest.mark.long
def test_grading_is_timed_with_and_without_a_seal(tmp_path: Path):
    """Gold scores 1 and empty 0 either way, and each way has its ratio."""
    try:
        open_backend("bubblewrap", tmp_path / "home").run(SandboxConfig(), ["/bin/true"], timeout=30)
    except SandboxError as error:
        pytest.skip(f"no sandbox can be started here: {error}")
    lines = {line.name: line for line in bench_grading(load(), limit=1)}
    assert lines["runs that end as they must"].ratio == 1.0
    assert {"gold, graded", "gold, graded and sealed", "empty, graded", "empty, graded and sealed"} < set(
        lines
    )
