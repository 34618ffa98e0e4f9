"""One task, two backends, the same reward: also the same statuses, and the same list of tampering."""

from pathlib import Path

import pytest

from r2egym.attacks import Target, attack
from r2egym.environment import Facilities, WorkEnvironment
from r2egym.mining import Repository
from r2egym.records import Reward, Task, ToolCall
from r2egym.sandboxes.base import Backend
from r2egym.sandboxes.bubblewrap import BubblewrapBackend
from r2egym.sandboxes.docker import DockerBackend
from r2egym.tasks import Dataset

pytestmark = pytest.mark.system

CHEATS = ("conftest_report", "always_equal", "forged_output", "git_folder", "neutered_asserts")
"""Of each kind one: planted, in the source, in the output, on a path."""
AGAIN = 5
SAME = ("resolved", "score", "published", "f2p", "p2p", "tampering", "ignored", "failure")


def patches(task: Task, home: Path, root: Path | None) -> dict[str, str]:
    """Gold, empty, wrong, and what the cheats hand in."""
    where = root / task.environment.repository if root else Path(task.environment.repository)
    target = Target(task, Repository.open(where, home, having=task.base_commit))
    wrong = "\n".join(
        f"{line}  # and more"
        if line.startswith("+") and not line.startswith("+++") and line.strip("+ ")
        else line
        for line in task.patch.splitlines()
    )
    found = {"gold": task.patch, "empty": "", "wrong": wrong + "\n"}
    for name in CHEATS:
        found[name] = attack(name).patch(target)
    return found


def rewards(backend: Backend, home: Path, dataset: Dataset) -> dict[tuple[str, str], Reward]:
    """By task and patch."""
    with Facilities(home, backend) as facilities:
        return {
            (task.instance_id, name): facilities.grade(task, patch, root=dataset.root)
            for task in dataset.tasks
            for name, patch in patches(task, home, dataset.root).items()
        }


def told(reward: Reward) -> dict[str, object]:
    """What must be the same."""
    return {name: getattr(reward, name) for name in SAME}


def test_the_same_rewards(docker: DockerBackend, home: Path, bundled: Dataset) -> None:
    """Gold is 1, empty 0, and whatever a patch gets under one backend it gets under the other.

    Every grader draws twins of its own, so a cheat may be caught by one more or less, under one backend alone as well. Where the
    two differ in what else they tell, some graders of the one must agree with some of the other; scores never differ.
    """
    assert len(bundled) > 1
    backends = (BubblewrapBackend(home), docker)
    ours, theirs = (rewards(one, home, bundled) for one in backends)
    assert scores(ours) == scores(theirs)
    assert {reward.resolved for (_, name), reward in theirs.items() if name == "gold"} == {True}
    assert {reward.resolved for (_, name), reward in theirs.items() if name == "empty"} == {False}
    assert any(reward.ignored for reward in theirs.values())
    differing = [key for key in ours if told(ours[key]) != told(theirs[key])]
    assert [name for _, name in differing if name not in CHEATS] == []
    for instance, name in differing:
        task = bundled.find(instance)
        patch = patches(task, home, bundled.root)[name]
        seen = [outcomes(backend, home, task, patch, bundled.root) for backend in backends]
        assert seen[0] & seen[1], (instance, name)


def scores(found: dict[tuple[str, str], Reward]) -> dict[tuple[str, str], tuple[object, ...]]:
    """What must never differ."""
    return {
        key: (
            reward.resolved,
            reward.score,
            reward.published,
            bool(reward.tampering),
            reward.ignored,
            reward.failure,
        )
        for key, reward in found.items()
    }


def outcomes(backend: Backend, home: Path, task: Task, patch: str, root: Path | None) -> set[str]:
    """What some graders tell, each of which draws twins of its own."""
    found = set()
    for _ in range(AGAIN):
        with Facilities(home, backend) as facilities:
            found.add(repr(told(facilities.grade(task, patch, root=root))))
    return found


def test_the_same_work(docker: DockerBackend, home: Path, bundled: Dataset) -> None:
    """What an agent is shown, and the patch it hands in, do not tell the backends apart."""
    task = bundled.tasks[0]
    calls = (
        "pwd; ls -A; git log --oneline | wc -l; git status --short; id -u; python --version",
        "echo one >>README.md; mkdir new && echo two >new/file; chmod +x new/file; git add -A; git commit -qm x",
        "python -c 'import sys, os; print(sys.prefix, sys.flags.hash_randomization, os.getcwd())'; env | cut -d= -f1 | sort",
    )
    seen: list[tuple[list[str], str]] = []
    for backend in (BubblewrapBackend(home), docker):
        with (
            Facilities(home, backend) as facilities,
            WorkEnvironment(facilities, task, root=bundled.root) as work,
        ):
            said = [
                work.act(ToolCall(name="execute_bash", arguments={"cmd": call})).observation for call in calls
            ]
            patch = work.patch()
            work.reset()
            assert work.patch() == ""
            seen.append((said, patch))
    assert seen[0] == seen[1]
    assert "new/file" in seen[0][1]
