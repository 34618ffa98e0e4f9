"""Rows of the published shape, from image to reward: our integrity, and their reward beside ours."""

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.system.published_shape import make_image, published_row

from r2egym.agenthub.runtime.docker import DockerRuntime
from r2egym.attacks import Target, attacks
from r2egym.building.published_images import PublishedImage, prepare_image
from r2egym.curation.doctor import examine_rows
from r2egym.environment import Facilities, WorkEnvironment
from r2egym.errors import BuildError, SandboxFileError, UsageError
from r2egym.mining import Repository
from r2egym.records import Reward, Task
from r2egym.sandboxes.bubblewrap import BubblewrapBackend
from r2egym.sandboxes.docker import DockerBackend
from r2egym.tasks import Dataset, from_row

pytestmark = pytest.mark.system
NAME = "r2egym-test/published:1"


@dataclasses.dataclass(frozen=True)
class Published:
    """A row of the published shape whose image the engine has."""

    ours: Task
    row: dict[str, Any]
    task: Task
    bundle: Path


@pytest.fixture(scope="module")
def published(
    docker: DockerBackend, debian: str, bundled: Dataset, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Published]:
    """Made of the first bundled task."""
    ours = bundled.tasks[0]
    assert bundled.root is not None
    bundle = bundled.root / ours.environment.repository
    make_image(docker, debian, ours, bundled.root, tmp_path_factory.mktemp("published"), NAME)
    row = published_row(ours, NAME)
    yield Published(ours, row, from_row(row), bundle)
    docker.images.remove(NAME)


@pytest.fixture(scope="module")
def facilities(docker: DockerBackend, home: Path) -> Iterator[Facilities]:
    """Docker's."""
    with Facilities(home, docker) as found:
        yield found


@pytest.fixture(scope="module")
def image(docker: DockerBackend, home: Path, published: Published) -> PublishedImage:
    """Fit for agents."""
    return prepare_image(docker, home, published.task)


def test_row_is_read(published: Published) -> None:
    """Fourteen columns suffice: what fails before the fix is read from the row's own log."""
    task = published.task
    assert len(published.row) == 14
    assert (task.base_commit, task.fix_commit) == (published.ours.base_commit, published.ours.fix_commit)
    assert task.patch.strip() == published.ours.patch.strip()
    assert len(task.fail_to_pass) + len(task.pass_to_pass) == len(published.ours.gold_statuses)
    assert len(task.fail_to_pass) == len(published.ours.fail_to_pass)


def test_nothing_hidden_is_left(docker: DockerBackend, image: PublishedImage, published: Published) -> None:
    """An agent finds neither tests nor script, moved or linked; they were kept here for grading."""
    added = [line[1:].strip() for line in published.task.test_patch.splitlines() if line.startswith("+ ")]
    telling = max((line for line in added if "assert" in line), key=len)
    with docker.open(image.config()) as box:
        for path in (
            "/testbed/run_tests.sh",
            "/run_tests.sh",
            "/r2e_tests/test_1.py",
            "/root/r2e_tests/test_1.py",
        ):
            with pytest.raises(SandboxFileError):
                box.read_file(path)
        found = box.exec(
            ["grep", "-rlF", "--exclude-dir=proc", "--exclude-dir=sys", telling, "/"], timeout=300
        )
        assert found.stdout == ""
        assert (
            box.exec("find / -xdev -name 'r2e_tests*' -o -xdev -name run_tests.sh 2>/dev/null").stdout == ""
        )
    assert sorted(path.name for path in image.tests.iterdir()) == ["test_1.py"]
    assert "pytest" in image.script


def test_the_future_has_left(docker: DockerBackend, image: PublishedImage, published: Published) -> None:
    """No fix, later tag, branch, remote, stash or reflog; every object is reached from the base; git works as before."""
    task = published.task
    with docker.open(image.config()) as box:
        for thing in (task.fix_commit, "later", "future", "stash", "origin/HEAD"):
            assert box.exec(["git", "cat-file", "-e", thing]).exit_code != 0, thing
        assert box.exec(["git", "rev-parse", "HEAD"]).stdout.strip() == task.base_commit
        assert box.exec(["git", "remote"]).stdout == ""
        assert box.exec(["git", "reflog"]).stdout == ""
        assert box.exec(["git", "tag"]).stdout.split().count("earlier") == 1
        assert box.exec(["git", "status", "--short"]).stdout == ""
        assert box.exec(["git", "fsck", "--unreachable", "--no-reflogs"]).stdout == ""
        listed = box.exec("git cat-file --batch-all-objects --batch-check | wc -l").stdout
        assert int(listed) == image.objects


def test_made_once(docker: DockerBackend, home: Path, image: PublishedImage, published: Published) -> None:
    """The fit image is kept."""
    before = docker.engine.api.inspect_image(image.image)["Id"]
    assert prepare_image(docker, home, published.task) == image
    assert docker.engine.api.inspect_image(image.image)["Id"] == before


def test_gold_and_empty(facilities: Facilities, published: Published) -> None:
    """Gold has both rewards, the empty patch none; statuses are told."""
    gold = facilities.grade(published.task, published.task.patch)
    empty = facilities.grade(published.task, "")
    assert (gold.resolved, gold.score, gold.published, gold.failure) == (True, 1.0, 1, None)
    assert set(gold.f2p.values()) == {"PASSED"}
    assert (empty.resolved, empty.score, empty.published, empty.failure) == (False, 0.0, 0, None)
    assert "PASSED" not in set(empty.f2p.values())


def test_planted_files(facilities: Facilities, published: Published, home: Path) -> None:
    """No planted file and no odd path wins by either rule."""
    target = Target(
        published.ours, Repository.open(published.bundle, home, having=published.ours.base_commit)
    )
    rewards = {
        cheat.name: facilities.grade(published.task, cheat.patch(target))
        for cheat in attacks()
        if cheat.kind in {"planted", "paths"}
    }
    assert len(rewards) > 20
    assert {name: reward.failure for name, reward in rewards.items() if reward.failure} == {}
    assert [name for name, reward in rewards.items() if reward.resolved or reward.published] == []


def new_file(path: str, *lines: str) -> str:
    """A patch that adds a file."""
    body = "".join(f"+{line}\n" for line in lines)
    return f"diff --git a/{path} b/{path}\nnew file mode 100644\n--- /dev/null\n+++ b/{path}\n@@ -0,0 +1,{len(lines)} @@\n{body}"


@pytest.mark.parametrize(
    "path", ["r2e_tests/test_1.py", "r2e_tests/conftest.py", "run_tests.sh", "conftest.py"]
)
def test_where_the_tests_go(path: str, facilities: Facilities, published: Published) -> None:
    """What a patch puts where tests and script go is left out, beside gold as well as alone."""
    planted = new_file(path, "def test_nothing(): pass")
    alone = facilities.grade(published.task, planted)
    beside = facilities.grade(published.task, published.task.patch + planted)
    assert (alone.resolved, alone.published, alone.ignored) == (False, 0, (path,))
    assert (beside.resolved, beside.published) == (True, 1)
    assert path in beside.ignored


def test_no_patch(facilities: Facilities, published: Published) -> None:
    """What does not apply, or is no patch at all, scores 0 and says why."""
    elsewhere = "diff --git a/README.md b/README.md\n--- a/README.md\n+++ b/README.md\n@@ -1 +1 @@\n-no such line\n+x\n"
    for text in ("nonsense\n", elsewhere):
        reward = facilities.grade(published.task, text)
        assert (reward.resolved, reward.failure) == (False, None)
        assert reward.note


def test_the_runtime_drives_it(facilities: Facilities, published: Published) -> None:
    """The published runtime's methods work on the published row: commands, patch, reward, reset."""
    runtime = DockerRuntime(published.row, facilities=facilities)
    try:
        assert runtime.run("git rev-parse HEAD")[0].strip() == published.task.base_commit
        said, code = runtime.run("python -c 'import sys; print(sys.prefix)'")
        assert (said.strip(), code) == ("/testbed/.venv", "0")
        assert runtime._calculate_reward() == 0.0
        assert runtime.apply_patch(published.task.patch)[1] == "0"
        assert runtime._calculate_reward() == 1.0
        patch = runtime.get_patch()
        assert ".venv" not in patch
        assert facilities.grade(published.task, patch).resolved
        runtime.reset()
        assert runtime.get_patch() == ""
    finally:
        runtime.close()


def test_tests_that_should_fail(facilities: Facilities, published: Published) -> None:
    """A row that expects a failure: that it passes now costs the published reward and not ours."""
    expected = json.loads(published.row["expected_output_json"]) | {"test_of_old": "FAILED"}
    row = published.row | {"expected_output_json": json.dumps(expected)}
    reward = facilities.grade(from_row(row), published.task.patch)
    assert (reward.resolved, reward.published) == (True, 0)


def test_rows_that_fail_their_own_gold(home: Path, published: Published) -> None:
    """`doctor` tells which rows do not hold, and why; no such image is the machinery's failure."""
    expected = json.loads(published.row["expected_output_json"]) | {"test_of_the_net": "PASSED"}
    broken = from_row(published.row | {"expected_output_json": json.dumps(expected)})
    absent = from_row(published.row | {"docker_image": "r2egym-test/none:1"})
    findings = list(
        examine_rows(Dataset((published.task, broken, absent), None), home, sandbox="docker", quick=True)
    )
    assert [finding.holds for finding in findings] == [True, False, False]
    assert "test_of_the_net MISSING" in findings[1].reason
    assert (findings[1].failure, findings[2].failure) == (False, True)
    assert "r2egym-test/none:1" in findings[2].reason


def test_other_backends_say_so(home: Path, published: Published) -> None:
    """Bubblewrap has no images, and says what to do."""
    with Facilities(home, BubblewrapBackend(home)) as facilities:
        reward: Reward = facilities.grade(published.task, "")
        assert reward.failure is not None
        assert "--sandbox docker" in reward.failure.cause
        with pytest.raises(UsageError, match="--sandbox docker"):
            _ = WorkEnvironment(facilities, published.task).sandbox


def test_images_of_another_shape(
    docker: DockerBackend, home: Path, debian: str, published: Published
) -> None:
    """An image without the base commit is one clear line."""
    task = from_row(published.row | {"docker_image": debian})
    with pytest.raises(BuildError, match="no image of the published shape") as caught:
        prepare_image(docker, home, task)
    assert caught.value.reason == "bad-image"
