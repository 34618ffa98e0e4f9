"""A row of SWE-bench's shape: its judge's word is the reward, on an image that is made fit for agents first."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.system.published_shape import make_image
from tests.system.test_published_rows import new_file

from r2egym.environment import Facilities, WorkEnvironment
from r2egym.grading import parse_summary
from r2egym.records import Task
from r2egym.sandboxes.docker import DockerBackend
from r2egym.tasks import Dataset, from_row

pytestmark = pytest.mark.system
NAME = "r2egym-test/swebench:1"
EVAL = """\
#!/bin/bash
set -uxo pipefail
cd /testbed
git config --global --add safe.directory /testbed
git checkout {base} {files} || true
git apply -v - <<'EOF_OF_THE_TESTS'
{tests}EOF_OF_THE_TESTS
: '>>>>> Start Test Output'
.venv/bin/python -m pytest -rA {modules}
: '>>>>> End Test Output'
git checkout {base} {files} || true
"""


def swebench_row(task: Task) -> dict[str, Any]:
    """The columns of SWE-bench's newer datasets."""
    modules = " ".join(task.hidden_tests.modules)
    script = EVAL.format(base=task.base_commit, files=modules, tests=task.test_patch, modules=modules)
    return {
        "repo": f"larder/{task.repo}",
        "instance_id": task.instance_id,
        "base_commit": task.base_commit,
        "patch": task.patch,
        "test_patch": task.test_patch,
        "problem_statement": task.problem_statement,
        "version": "1.0",
        "FAIL_TO_PASS": json.dumps(task.fail_to_pass),
        "PASS_TO_PASS": json.dumps(task.pass_to_pass),
        "image": NAME,
        "eval_script": script,
        "log_parser": "parse_log_pytest_v2",
        "eval_type": "pass_and_fail",
    }


@pytest.fixture(scope="module")
def row(
    docker: DockerBackend, debian: str, bundled: Dataset, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Any]]:
    """Made of the first bundled task."""
    pytest.importorskip("swebench", reason="the judge is not installed: uv pip install -e '.[swebench]'")
    assert bundled.root is not None
    make_image(docker, debian, bundled.tasks[0], bundled.root, tmp_path_factory.mktemp("swebench"), NAME)
    yield swebench_row(bundled.tasks[0])
    docker.images.remove(NAME)


@pytest.fixture(scope="module")
def facilities(docker: DockerBackend, home: Path) -> Iterator[Facilities]:
    """Docker's."""
    with Facilities(home, docker) as found:
        yield found


def test_gold_empty_and_planted(facilities: Facilities, row: dict[str, Any]) -> None:
    """Gold is resolved, the empty patch is not, and a planted configuration is left out."""
    task = from_row(row)
    gold = facilities.grade(task, task.patch)
    assert (gold.resolved, gold.published, gold.failure) == (True, 1, None)
    assert set(gold.f2p) == set(task.fail_to_pass)
    assert set(gold.f2p.values()) == {"PASSED"}
    empty = facilities.grade(task, "")
    assert (empty.resolved, empty.published, empty.failure) == (False, 0, None)
    planted = facilities.grade(task, new_file("conftest.py", "def pytest_runtest_makereport(): pass"))
    assert (planted.resolved, planted.ignored) == (False, ("conftest.py",))


def test_an_agents_work(facilities: Facilities, row: dict[str, Any]) -> None:
    """An agent works on the row, and its patch is what is graded."""
    task = from_row(row)
    with WorkEnvironment(facilities, task) as work:
        work.sandbox.write_file("/tmp/p", task.patch)
        assert work.sandbox.exec("git apply /tmp/p", cwd="/testbed").exit_code == 0
        assert work.grade().resolved


def test_its_parser_and_ours(facilities: Facilities, row: dict[str, Any]) -> None:
    """On our own task's log its parser and ours find the same tests with the same statuses; theirs keeps an expected failure's reason."""
    from swebench.harness.log_parsers import PARSER_REGISTRY

    task = from_row(row)
    image = facilities.published(task)
    with facilities.backend.open(image.config()) as box:
        box.write_file("/tmp/p", task.patch + task.test_patch)
        assert box.exec("git apply /tmp/p", cwd="/testbed").exit_code == 0
        log = box.exec(".venv/bin/python -m pytest -rA tests", cwd="/testbed").stdout
    ours = {test: str(status) for test, status in parse_summary(log).items()}
    assert ours
    theirs = PARSER_REGISTRY["parse_log_pytest_v2"](log, None)
    assert {name.partition(" - ")[0]: status for name, status in theirs.items()} == ours
