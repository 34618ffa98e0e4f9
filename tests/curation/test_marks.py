"""Near duplicates, and tasks of SWE-bench's repositories, are marked."""

import itertools
import random
from pathlib import Path

import pytest
from tests.mining.repositories import commit, git
from tests.tasks.test_dataset import make_task

from r2egym.curation.marks import _alike, alike, mark
from r2egym.mining import Candidate, MiningConfig, Repository, mine, split_patch
from r2egym.records import Task

SOURCE = "".join(f"def f{n}(x):\n    y = x + {n}\n    return y\n\n\n" for n in range(9))
FIX = SOURCE.replace("y = x + 3\n", "if x is None:\n        return 3\n    z = 3 * x\n    y = z + x\n")


def tasks_of(root: Path) -> dict[str, Task]:
    """Fix → a task of it, for every candidate of all branches."""
    repository = Repository(root)
    found: dict[str, Task] = {}
    for branch in git(root, "branch", "--format=%(refname:short)").decode().split():
        for one in mine(repository, MiningConfig(revision=branch)):
            if isinstance(one, Candidate):
                name = one.commit.hash
                patch = split_patch(repository, one).source
                found[name] = make_task(1, instance_id=name, fix_commit=name, patch=patch)
    return found


def marks(tasks: list[Task], root: Path) -> dict[str, str | None]:
    """What duplicates what."""
    repository = Repository(root)
    marked = mark(tasks, lambda task: repository.commit(task.fix_commit).committer_time)
    return {task.instance_id: task.duplicate_of for task in marked}


def test_backports_and_reverts_are_duplicates_of_the_first(tmp_path: Path):
    """A cherry-pick to a branch that moved on, and a fix that was taken back and put in again, name the first fix."""
    root = tmp_path / "r"
    commit(root, {"pkg/a.py": SOURCE, "test_a.py": ""})
    git(root, "branch", "release")
    fix = commit(root, {"pkg/a.py": FIX, "test_a.py": "x = 1\n"}, day=2)
    revert = commit(root, {"pkg/a.py": SOURCE, "test_a.py": ""}, day=3)
    again = commit(root, {"pkg/a.py": FIX, "test_a.py": "x = 2\n"}, day=4)
    other = commit(root, {"pkg/a.py": FIX.replace("x + 7", "x - 7"), "test_a.py": "x = 3\n"}, day=5)
    git(root, "checkout", "-q", "release")
    old = commit(
        root, {"pkg/a.py": None, "lib/a.py": "import os\n\n\n" + SOURCE, "test_a.py": "x = 4\n"}, day=6
    )
    moved = "import os\n\n\n" + FIX.replace("z = 3 * x", "z  = 3 * x")
    backport = commit(root, {"lib/a.py": moved, "test_a.py": "x = 5\n"}, day=7)
    tasks = tasks_of(root)
    assert set(tasks) == {fix, revert, again, other, old, backport}
    expected = {fix: None, revert: None, again: fix, other: None, old: None, backport: fix}
    for seed in range(5):
        mixed = list(tasks.values())
        random.Random(seed).shuffle(mixed)
        assert marks(mixed, root) == expected


def test_one_line_changed_alike_in_two_functions_is_no_duplicate(tmp_path: Path):
    """A small patch is told by where it is, not by its words alone; nor is another file's."""
    root = tmp_path / "r"
    source = "".join(f"def f{n}(x):\n" + "    pass\n" * 4 + "    return x\n\n\n" for n in range(3))
    changed = source.replace("return x", "return -x", 1)
    twice = changed.replace("return x", "return -x", 1)
    commit(root, {"a.py": source, "b.py": source, "test_a.py": ""})
    commit(root, {"a.py": changed, "test_a.py": "x = 1\n"}, day=2)
    commit(root, {"a.py": twice, "test_a.py": "x = 2\n"}, day=3)
    commit(root, {"b.py": changed, "test_a.py": "x = 3\n"}, day=4)
    found = marks(list(tasks_of(root).values()), root)
    assert len(found) == 3
    assert set(found.values()) == {None}


def test_the_index_finds_every_pair():
    """Exactly the pairs that comparing all with all finds, at the border too."""
    chance = random.Random(7)
    sets = {}
    for number in range(300):
        start = chance.choice((0, 20, 40))
        size = chance.randint(1, 20)
        lines = chance.sample(range(start, start + size + 2), size)
        sets[f"t{number:03}"] = frozenset(map(str, lines))
    pairs = {tuple(sorted(pair)) for pair in _alike(sets)}
    assert pairs == {
        pair for pair in itertools.combinations(sorted(sets), 2) if alike(sets[pair[0]], sets[pair[1]])
    }
    assert len(pairs) > 50


def test_what_changes_no_line_is_compared_whole():
    """Modes and binary files have no lines."""
    mode = "diff --git a/{0} b/{0}\nold mode 100644\nnew mode 100755\n"
    tasks = [
        make_task(n, instance_id=f"t{n}", patch=mode.format(name)) for n, name in enumerate(("x", "y", "x"))
    ]
    assert [task.duplicate_of for task in mark(tasks, lambda _: 0)] == [None, None, "t0"]


@pytest.mark.parametrize(
    ("repo", "url", "expected"),
    [
        ("django", "repos/django.bundle", True),
        ("sklearn", "https://example.org/scikit-learn/scikit-learn.git", True),
        ("copy", "git@example.org:someone/Flask", True),
        ("flask-login", "https://example.org/x/flask-login", False),
        ("requests_toolbelt", "repos/requests_toolbelt.bundle", False),
        ("boltons", "https://example.org/django/boltons", False),
    ],
)
def test_repositories_of_swebench(repo: str, url: str, *, expected: bool):
    """By the name in the URL, whoever's copy it is, or by the short name."""
    environment = make_task().environment.model_copy(update={"repository": url})
    (task,) = mark([make_task(repo=repo, environment=environment, patch="")], lambda _: 0)
    assert task.swebench is expected
