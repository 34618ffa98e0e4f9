"""The verbs end to end, on the first commits of the bundled repository: real builds, real sandboxes, real grades."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.cli.conftest import call

from r2egym.demo import Demo, unpack
from r2egym.errors import SandboxError
from r2egym.sandboxes import open_backend
from r2egym.sandboxes.base import SandboxConfig
from r2egym.tasks import Dataset, load_dataset, write_dataset

MAIN = [sys.executable, "-c", "from r2egym.cli import main; main()"]
LAST = "Test how half grams are rounded"
"""The history is followed from this commit back: three candidates, all of which become tasks."""


class World(NamedTuple):
    """What the tests of this file share."""

    demo: Demo
    home: Path
    revision: str
    dataset: Path
    summary: dict


def arguments(demo: Demo, revision: str, out: Path) -> list[str]:
    """A curation of the first commits."""
    words = ["curate", demo.repository, "--out", out, "--index", demo.index, "--revision", revision]
    return [str(word) for word in [*words, "--runs", "1", "--jobs", "2", "--json"]]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A dataset, curated once without any disturbance."""
    folder = tmp_path_factory.mktemp("world")
    try:
        open_backend("bubblewrap", folder / "home").run(SandboxConfig(), ["/bin/true"], timeout=30)
    except SandboxError as error:
        pytest.skip(f"no sandbox can be started here: {error}")
    demo = unpack(folder / "bundled")
    revision = next(commit for commit, outcome in demo.outcomes.items() if outcome.subject == LAST)
    done = call(folder / "home", *arguments(demo, revision, folder / "dataset"))
    assert done.returncode == 0, done.stderr
    return World(demo, folder / "home", revision, folder / "dataset", json.loads(done.stdout))


def bring_attachments(world: World, folder: Path) -> None:
    """Copy what the rows lead to."""
    for name in ("repos", "index"):
        shutil.copytree(world.dataset / name, folder / name)


def test_curation_makes_the_tasks_that_are_known(world: World):
    """Every commit has the fate that the bundled repository foretells; the summary counts them."""
    tasks = {task.fix_commit: task for task in load_dataset(world.dataset)}
    seen = [commit for commit in world.demo.outcomes if commit <= "z"]
    expected = {}
    for commit in seen:
        expected[commit] = world.demo.outcomes[commit]
        if commit == world.revision:
            break
    assert set(tasks) == {commit for commit, outcome in expected.items() if outcome.fate == "task"}
    assert len(tasks) == world.summary["tasks"] == 3
    assert world.summary["commits"] == len(expected)
    assert {"commits", "candidates", "tasks", "seconds"} <= world.summary.keys()
    for commit, task in tasks.items():
        outcome = expected[commit]
        assert list(task.fail_to_pass) == sorted(outcome.fail_to_pass)
        assert (task.validation.gold, task.validation.empty) == (1.0, 0.0)
        assert task.validation.census["foreign"] == 0
        assert len(task.validation.attacks) == 3
        assert task.validation.imports_source


def test_statements_tell_and_do_not_give_away(world: World):
    """Every task has a statement; none names a test or holds a line of its fix."""
    for task in load_dataset(world.dataset):
        statement = task.problem_statement
        assert len(statement) > 40
        assert "test_" not in statement
        added = [line[1:].strip() for line in task.patch.splitlines() if line.startswith("+")]
        assert not [line for line in added if len(line) > 20 and line in statement]


def test_funnel_counts_every_commit(world: World):
    """Seen minus rejected is kept, stage by stage, down to the tasks; reasons have examples."""
    funnel = json.loads((world.dataset / "funnel.json").read_text())
    left = funnel["commits"]
    for stage in funnel["stages"]:
        assert stage["seen"] == left
        left -= sum(reason["count"] for reason in stage["rejected"].values())
        assert stage["kept"] == left
        assert all(len(reason["examples"]) >= 1 for reason in stage["rejected"].values())
    assert left == funnel["tasks"]


@pytest.mark.long
def test_a_killed_run_resumes_to_the_same_bytes(world: World, tmp_path: Path):
    """After kill -9 in the middle and another run, what was done is not done again, and the dataset is that of a quiet run."""
    words = arguments(world.demo, world.revision, tmp_path / "dataset")
    journal = tmp_path / "dataset" / "journal" / "journal.log"
    env = {**os.environ, "R2EGYM_HOME": str(world.home)}
    with subprocess.Popen([*MAIN, *words], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=env) as run:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and run.poll() is None:
            if journal.exists() and journal.stat().st_size:
                break
            time.sleep(0.02)
        run.send_signal(signal.SIGKILL)
    assert run.returncode == -signal.SIGKILL
    assert not (tmp_path / "dataset" / "tasks.parquet").exists()
    again = call(world.home, *words)
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["resumed"] >= 1
    for name in ("tasks.parquet", "funnel.json"):
        assert (tmp_path / "dataset" / name).read_bytes() == (world.dataset / name).read_bytes()


def test_a_rerun_does_only_what_is_new(world: World):
    """Run again on the same folder: every outcome comes from the journal, and the bytes stay."""
    before = (world.dataset / "tasks.parquet").read_bytes()
    again = call(world.home, *arguments(world.demo, world.revision, world.dataset))
    summary = json.loads(again.stdout)
    assert summary["resumed"] == summary["candidates"] == world.summary["candidates"]
    assert (world.dataset / "tasks.parquet").read_bytes() == before


def test_a_second_curation_of_a_folder_gets_one_line(world: World):
    """While one process writes to a dataset, another is told so."""
    from r2egym.jobs import Journal

    words = [*MAIN, *arguments(world.demo, world.revision, world.dataset)]
    env = {**os.environ, "R2EGYM_HOME": str(world.home)}
    with Journal(world.dataset / "journal"):
        done = subprocess.run(words, capture_output=True, text=True, env=env, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("r2egym: ")
    assert f"in use by process {os.getpid()}" in done.stderr


def test_grade_prints_a_reward_a_line(world: World, tmp_path: Path):
    """Gold scores 1, nothing scores 0, in the order of the file; the dataset is enough, wheels and bundle included."""
    task = load_dataset(world.dataset).tasks[0]
    predictions = tmp_path / "predictions.jsonl"
    lines = [{"instance_id": task.instance_id, "model_patch": patch} for patch in (task.patch, "")]
    predictions.write_text("".join(json.dumps(line) + "\n" for line in lines))
    done = call(tmp_path / "home", "grade", world.dataset, "--predictions", predictions, "--seal", "--json")
    assert done.returncode == 0, done.stderr
    rewards = [json.loads(line) for line in done.stdout.splitlines()]
    assert [reward["score"] for reward in rewards] == [1.0, 0.0]
    assert [reward["resolved"] for reward in rewards] == [True, False]
    keys = {"instance_id", "resolved", "score", "published", "tampering", "failure"}
    assert all(keys <= reward.keys() for reward in rewards)
    assert rewards[0]["seal"] == task.validation.seal
    assert list(task.validation.seal) == list(task.fail_to_pass)
    assert task.validation.forgeable is ("strong" not in task.validation.seal.values())


def test_grade_refuses_a_task_that_is_not_there(world: World, tmp_path: Path):
    """A prediction for another dataset's task is one line, before anything is graded."""
    predictions = tmp_path / "predictions.jsonl"
    predictions.write_text('{"instance_id": "nobody__123", "model_patch": ""}\n')
    done = call(world.home, "grade", world.dataset, "--predictions", predictions)
    assert done.returncode == 2
    assert "no task 'nobody__123'" in done.stderr


def test_doctor_says_which_rows_hold(world: World, tmp_path: Path):
    """Exit 0 when all rows hold; a row whose gold patch does nothing is named, and the exit code is 1."""
    rows = load_dataset(world.dataset).tasks
    good = call(world.home, "doctor", world.dataset, "--quick", "--json")
    assert good.returncode == 0, good.stdout
    assert [json.loads(line)["holds"] for line in good.stdout.splitlines()] == [True] * len(rows)
    spoilt = rows[0].model_copy(update={"patch": rows[1].patch})
    write_dataset(tmp_path, Dataset((spoilt,)))
    bring_attachments(world, tmp_path)
    bad = call(world.home, "doctor", tmp_path, "--quick")
    assert bad.returncode == 1
    assert f"{spoilt.instance_id}  the gold patch scores 0, not 1" in bad.stdout
    assert "0 of 1 rows hold" in bad.stdout


@pytest.mark.long
def test_doctor_proves_everything(world: World, tmp_path: Path):
    """Without ``--quick``, census and cheats are tried again."""
    (task, *_) = load_dataset(world.dataset).tasks
    write_dataset(tmp_path, [task])
    bring_attachments(world, tmp_path)
    done = call(world.home, "doctor", tmp_path, "--runs", "1", "--json")
    assert done.returncode == 0, done.stdout
    finding = json.loads(done.stdout)
    assert finding["census"]["foreign"] == 0
    assert len(finding["attacks"]) == 3


def test_stats_counts(world: World):
    """``stats`` counts tasks and tests."""
    found = json.loads(call(world.home, "stats", world.dataset, "--json").stdout)
    assert found["tasks"] == 3
    assert found["repositories"] == {"larder": 3}


def test_cache_is_shown_and_cleared(world: World, tmp_path: Path):
    """``cache show`` tells what layers weigh; a home without any is no error."""
    shown = call(world.home, "cache", "show", "--json")
    kinds = {json.loads(line)["kind"]: json.loads(line)["count"] for line in shown.stdout.splitlines()}
    assert kinds["layers/venvs"] >= 1
    assert call(tmp_path / "none", "cache", "clear").returncode == 0
    assert call(tmp_path / "none", "cache", "reap", "--json").stdout == '{"removed": [], "freed_bytes": 0}\n'


def test_interrupt_leaves_nothing_behind(world: World, tmp_path: Path):
    """Ctrl-C in the middle: exit code 130, no sandbox and no temporary folder stays, and the folder is free again."""
    words = arguments(world.demo, world.revision, tmp_path / "dataset")
    env = {**os.environ, "R2EGYM_HOME": str(world.home)}
    sandboxes = world.home / "sandboxes"
    left = set(sandboxes.glob("[0-9a-f]*"))  # of a run that was killed: this one takes them away
    with subprocess.Popen([*MAIN, *words], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=env) as run:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not set(sandboxes.glob("[0-9a-f]*")) - left:
            time.sleep(0.01)
        run.send_signal(signal.SIGINT)
        _, complaint = run.communicate(timeout=60)
    assert run.returncode == 130, complaint
    assert set(sandboxes.glob("[0-9a-f]*")) <= left
    assert list((world.home / "tmp").iterdir()) == []
