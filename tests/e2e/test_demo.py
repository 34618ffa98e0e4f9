"""The bundled history through the whole funnel: every commit ends where it was written down that it would."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from r2egym.building import Builder
from r2egym.curation import CurateConfig, Curated, Options, curate
from r2egym.demo import Demo, unpack
from r2egym.errors import SandboxUnavailableError
from r2egym.grading import Grader
from r2egym.records import Task
from r2egym.sandboxes import open_backend
from r2egym.tasks import Dataset, load_dataset

pytestmark = pytest.mark.long
RUNS = 2


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home of its own: everything is built from nothing."""
    return tmp_path_factory.mktemp("demo-home")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """The demo, unpacked."""
    return unpack(tmp_path_factory.mktemp("demo"))


@pytest.fixture(scope="module")
def curated(demo: Demo, home: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Curated, Dataset]:
    """All of its history, curated. The cheats are left out: tests/attacks tries each of them."""
    out = tmp_path_factory.mktemp("demo-tasks")
    options = Options(runs=RUNS, attacks=False)
    config = CurateConfig(source=str(demo.repository), index=demo.index, options=options)
    try:
        result = curate(config, out, home, jobs=2)
    except SandboxUnavailableError as error:
        pytest.skip(f"no sandbox here: {error}")
    return result, load_dataset(out)


@pytest.fixture(scope="module")
def grader(home: Path, curated: tuple[Curated, Dataset]) -> Iterator[Grader]:
    """A grader that reads rows, as any machine would."""
    backend = open_backend("bubblewrap", home)
    with Builder(home, backend=backend) as builder:
        yield Grader(builder, backend)


def test_funnel_is_the_expected_one(demo: Demo, curated: tuple[Curated, Dataset]) -> None:
    """Each stage rejects as many commits for each reason as was written down, and the machinery fails nowhere."""
    result, dataset = curated
    assert result.failures == {}
    funnel = json.loads((dataset.root / "funnel.json").read_text())
    seen = Counter(
        {
            (stage["stage"], reason): told["count"]
            for stage in funnel["stages"]
            for reason, told in stage["rejected"].items()
        }
    )
    assert seen == Counter((o.stage, o.reason) for o in demo.outcomes.values() if o.fate == "rejected")
    assert result.commits == len(demo.outcomes)


def test_tasks_are_the_expected_ones(demo: Demo, curated: tuple[Curated, Dataset]) -> None:
    """The right commits become tasks, judged by the right tests, with the flaky ones set aside."""
    seen = {
        task.fix_commit: (task.tests_commit, task.fail_to_pass, task.pass_to_pass, task.validation.flaky)
        for task in curated[1]
    }
    assert seen == {
        outcome.commit: (outcome.tests_commit, outcome.fail_to_pass, outcome.pass_to_pass, outcome.flaky)
        for outcome in demo.outcomes.values()
        if outcome.fate == "task"
    }


def test_rows_can_be_filtered(demo: Demo, curated: tuple[Curated, Dataset]) -> None:
    """Sizes and twins are told; a merge of one fix is marked as that fix once more."""
    names = {task.instance_id: demo.outcomes[task.fix_commit] for task in curated[1]}
    doubles = {names[t.instance_id].kind: names[t.duplicate_of].kind for t in curated[1] if t.duplicate_of}
    assert doubles == {"merge": "branch"}
    assert all(task.size and task.size.fail_to_pass == len(task.fail_to_pass) for task in curated[1])
    assert {task.swebench for task in curated[1]} == {False}
    assert all(set(task.validation.twinned or ()) <= set(task.fail_to_pass) for task in curated[1])
    assert sum(task.validation.twinned == task.fail_to_pass for task in curated[1]) > len(curated[1]) / 2


def test_locks_follow_the_dates(curated: tuple[Curated, Dataset]) -> None:
    """Each task has the dependency of its day: three locks in all, and no release candidate."""
    used = {line.split()[0] for task in curated[1] for line in task.environment.lock if "spoonful" in line}
    assert used == {"spoonful==1.0", "spoonful==1.1", "spoonful==2.0"}
    assert len({task.environment.lock for task in curated[1]}) == len(used)


def test_patches_get_what_they_deserve(demo: Demo, curated: tuple[Curated, Dataset], grader: Grader) -> None:
    """Honest patches that differ from the author's score 1, also with tests of their own; wrong ones score 0."""
    tasks: dict[str, Task] = {task.fix_commit: task for task in curated[1]}
    rewards = {
        case.name: grader.grade(tasks[case.commit], case.patch, root=curated[1].root) for case in demo.patches
    }
    assert {name: reward.failure for name, reward in rewards.items() if reward.failure} == {}
    assert {name: (reward.score, reward.ignored, reward.tampering) for name, reward in rewards.items()} == {
        case.name: (case.score, case.ignored, ()) for case in demo.patches
    }
