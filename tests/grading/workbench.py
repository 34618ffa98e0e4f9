"""A repository of two commits, its task, and a builder whose environment is the interpreter that runs these tests."""

from __future__ import annotations

import difflib
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from tests.testing.sandboxed import RECIPE, config

from r2egym.building import Builder, Built
from r2egym.building.interpreters import Interpreter
from r2egym.mining import Repository
from r2egym.records import Environment, HiddenFile, HiddenTests, Recipe, Task
from r2egym.sandboxes.base import Layer

BASE = {
    "larder/__init__.py": '"""A larder."""\n',
    "larder/shelf.py": (
        "def count(jars):\n    return len(jars) + 1\n\n\n"
        "def label(name):\n    return name\n\n\n"
        "def take(jars, name):\n    return None\n\n\n"
        "def full(jars):\n    return False\n\n\n"
        "def join(left, right):\n    return left + right\n"
    ),
    "tests/test_shelf.py": "from larder.shelf import join\n\n\ndef test_join():\n    assert join([1], [2]) == [1, 2]\n",
    "pyproject.toml": '[project]\nname = "larder"\n[tool.pytest.ini_options]\naddopts = "--maxfail=1 --nonsense"\n',
    "setup.cfg": "[metadata]\nname = larder\n",
}
FIXED = (
    "def count(jars):\n    return len(jars)\n\n\n"
    'def label(name):\n    return "jar of " + name\n\n\n'
    "def take(jars, name):\n    if name not in jars:\n        raise KeyError(name)\n    return name\n\n\n"
    "def full(jars):\n    return len(jars) > 2\n\n\n"
    "def join(left, right):\n    return left + right\n"
)
ANOTHER = (
    "def count(jars):\n    return sum(1 for _ in jars)\n\n\n"
    'def label(name):\n    return f"jar of {name}"\n\n\n'
    "class NotThere(KeyError):\n    pass\n\n\n"
    "def take(jars, name):\n    for jar in jars:\n        if jar == name:\n            return jar\n    raise NotThere(name)\n\n\n"
    "def full(jars):\n    return not len(jars) <= 2\n\n\n"
    "def join(left, right):\n    return [*left, *right]\n"
)
HIDDEN = '''
import unittest

import pytest

from larder.shelf import count, full, join, label, take
from tests.helpers import JARS


@pytest.mark.parametrize("jars, number", [([], 0), (["plum"], 1), (JARS, 3)])
def test_count(jars, number):
    assert count(jars) == number


def test_label():
    """A label names what is in the jar."""
    assert label("plum") == "jar of plum"


def test_take():
    assert take(JARS, "plum") == "plum"
    with pytest.raises(KeyError):
        take(JARS, "nails")


class TestFull(unittest.TestCase):
    def test_full(self):
        self.assertTrue(full(JARS))

    def test_not_full(self):
        self.assertFalse(full([]))

    def test_count(self):
        self.assertEqual(count(JARS), 3)


def test_join():
    assert join([1], [2]) == [1, 2]
'''
HELPERS = 'JARS = ["plum", "quince", "sloe"]\n'
MODULE = "tests/test_shelf.py"
F2P = (
    *(f"{MODULE}::test_count[{row}]" for row in ("jars0-0", "jars1-1", "jars2-3")),
    f"{MODULE}::test_label",
    f"{MODULE}::test_take",
    f"{MODULE}::TestFull::test_full",
    f"{MODULE}::TestFull::test_count",
)
P2P = (f"{MODULE}::TestFull::test_not_full", f"{MODULE}::test_join")


class FixedBuilder(Builder):
    """A real builder of trees, whose one environment is there already."""

    venv: Path

    def for_task(self, task: Task, root: Path | None) -> Built:  # noqa: ARG002 - a builder's signature
        """The environment of the interpreter that runs now."""
        repository = Repository.open(task.environment.repository, self.store.home)
        tree = self.tree_layer(repository, repository.commit(task.base_commit).tree)
        empty = self.store.layer("projects", "none", lambda folder: (folder / ".keep").touch())
        return Built(
            environment=task.environment,
            repository=repository,
            base_commit=task.base_commit,
            interpreter=Interpreter.model_construct(),
            python=Layer(target="/opt/r2egym/python", sources=config(self.venv, tree).layers[0].sources),
            venv=self.venv,
            project=empty,
            tree=tree,
            link=empty,
            history=lambda _: empty,
        )


@dataclass
class Workbench:
    """A repository and its task."""

    folder: Path
    base: dict[str, str] = field(default_factory=lambda: dict(BASE))
    hidden: str = HIDDEN
    f2p: tuple[str, ...] = F2P
    p2p: tuple[str, ...] = P2P
    fixed: dict[str, str] = field(default_factory=lambda: {"larder/shelf.py": FIXED})
    recipe: Recipe = RECIPE
    helpers: bool = True

    def task(self) -> Task:
        """Commit the base, and make the task."""
        for path, text in self.base.items():
            target = self.folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        _git(self.folder, "init", "-q", "-b", "main")
        _git(self.folder, "add", "-A")
        _git(self.folder, "commit", "-qm", "Base")
        files = [HiddenFile(path=MODULE, content=self.hidden)]
        if self.helpers:
            files += [
                HiddenFile(path="tests/helpers.py", content=HELPERS),
                HiddenFile(path="tests/__init__.py", content=""),
            ]
        return Task(
            instance_id="larder__000000000000",
            repo="larder",
            base_commit=_git(self.folder, "rev-parse", "HEAD").strip(),
            fix_commit="0" * 40,
            patch=self.patch(self.fixed),
            test_patch="",
            fail_to_pass=self.f2p,
            pass_to_pass=self.p2p,
            gold_statuses=dict.fromkeys((*self.f2p, *self.p2p), "PASSED"),
            environment=Environment(
                repository=str(self.folder), recipe=self.recipe, as_of="2024-01-01T00:00:00Z", lock=()
            ),
            hidden_tests=HiddenTests(files=tuple(files), modules=(MODULE,)),
        )

    def patch(self, changes: dict[str, str | None]) -> str:
        """What ``git diff`` prints when files get these contents; None deletes one."""
        return "".join(_difference(path, self.base.get(path), text) for path, text in changes.items())


def _difference(path: str, old: str | None, new: str | None) -> str:
    mode = "new file mode 100644\n" if old is None else "deleted file mode 100644\n" if new is None else ""
    left, right = (
        f"a/{path}" if old is not None else "/dev/null",
        f"b/{path}" if new is not None else "/dev/null",
    )
    lines = difflib.unified_diff(
        (old or "").splitlines(keepends=True), (new or "").splitlines(keepends=True), left, right
    )
    body = "".join(
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
    )
    return f"diff --git a/{path} b/{path}\n{mode}" + body


def _git(folder: Path, *words: str) -> str:
    return subprocess.run(
        ["git", "-C", str(folder), *words], check=True, capture_output=True, text=True
    ).stdout
