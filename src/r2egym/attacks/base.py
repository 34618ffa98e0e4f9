"""What a cheat is, what it may know, and how one is written down in a few lines.

An attack sees a :class:`Target`: the task as a very well informed agent would know it (the base commit's files and which
of them matter). Only attacks whose story is that they know the hidden tests, and the honest controls, look at
``task.hidden_tests`` and at the fix.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from r2egym.attacks import diffs
from r2egym.errors import UsageError
from r2egym.mining import Entry, Repository, parse_patch
from r2egym.records import Task

Stage = Literal["patch", "sandbox"]
Kind = Literal["planted", "source", "sealed", "paths", "resources", "scripts", "honest"]
Naive = Literal["log", "exit", "file", "channel", "tree", "leak", "none"]
"""The simple way of grading that the cheat beats, by which its teeth are tested: a log's ``PASSED`` lines, an exit
code, a report file, a plugin that reports over a descriptor with a nonce, running the tests as they lie in the patched
tree, a published image's file system; ``none``: see the file for why there is no such control."""
Suite = Literal[
    "functions",
    "unittest",
    "raises",
    "inherited",
    "untwinned",
    "agreement",
    "golden",
    "truth",
    "member",
    "echo",
]
"""The style of hidden tests that the cheat is made for. ``inherited``: a class has its tests from another one; ``untwinned``: nothing is asserted that we understand;
``agreement``: both sides of an assertion come from the code
under test; ``golden``: the expected value lies in a file; ``truth``: a yes or no is asked for."""


@dataclass(frozen=True)
class Target:
    """A task under attack, with read access to the base commit's files."""

    task: Task
    repository: Repository

    @cached_property
    def paths(self) -> tuple[str, ...]:
        """Every path of the base commit, sorted."""
        return tuple(sorted(self._tree))

    @cached_property
    def _tree(self) -> dict[str, Entry]:
        return self.repository.tree(self.task.base_commit)

    def text(self, path: str, commit: str | None = None) -> str | None:
        """A base file's text; None when it is absent or not UTF-8."""
        content = self.repository.read(commit or self.task.base_commit, path)
        try:
            return None if content is None else content.decode()
        except UnicodeDecodeError:
            return None

    @cached_property
    def gold_paths(self) -> tuple[str, ...]:
        """Every path that the gold patch speaks of."""
        return tuple(dict.fromkeys(path for part in parse_patch(self.task.patch) for path in part.paths))

    @cached_property
    def touched(self) -> tuple[str, ...]:
        """Python sources that are there to be mended: what the gold patch changes, else the entries."""
        named = dict.fromkeys(
            line.rpartition(" b/")[2]
            for line in self.task.patch.splitlines()
            if line.startswith("diff --git ")
        )
        there = tuple(path for path in named if path.endswith(".py") and self.text(path) is not None)
        return there or self.entries

    @cached_property
    def entries(self) -> tuple[str, ...]:
        """Files that run when anything of the project is imported: packages' ``__init__``, or single modules."""
        recipe = self.task.environment.recipe
        found = []
        for root in recipe.source_roots:
            for package in recipe.packages:
                stem = "/".join(part for part in (root.strip("./"), package.replace(".", "/")) if part)
                found += [
                    path for path in (f"{stem}/__init__.py", f"{stem}.py") if self.text(path) is not None
                ]
        if found:
            return tuple(dict.fromkeys(found))
        if self.task.environment.recipe.packages or not self.paths:
            return ()
        return tuple(
            path for path in self.paths if path.endswith("/__init__.py") and self.text(path) is not None
        )

    @cached_property
    def places(self) -> tuple[str, ...]:
        """Where code goes that should run as soon as the tests import the project."""
        places = self.entries or self.touched
        if not places:
            raise UsageError(f"{self.task.instance_id}: no Python file of the project to put a cheat into")
        return places

    @cached_property
    def roots(self) -> tuple[str, ...]:
        """Prefixes (empty or ending in a slash) of the folders from which modules are imported."""
        roots = [root.strip("./") for root in (*self.task.environment.recipe.source_roots, ".")]
        return tuple(dict.fromkeys(root + "/" if root else "" for root in roots))

    @cached_property
    def tests(self) -> tuple[str, ...]:
        """The base commit's own test modules, which any agent sees."""
        return tuple(
            path
            for path in self.paths
            if path.rpartition("/")[2].startswith("test_") and path.endswith(".py") and self.text(path)
        )

    @cached_property
    def test_folders(self) -> tuple[str, ...]:
        """Prefixes of the folders where tests lie, ``tests/`` when there are none yet."""
        return tuple(dict.fromkeys(path.rpartition("/")[0] + "/" for path in self.tests if "/" in path)) or (
            "tests/",
        )

    def put(self, path: str, content: str) -> str:
        """A patch after which ``path`` has ``content``, whatever it was."""
        old = self.text(path)
        if old is None and path in self.paths:
            raise UsageError(f"{path}: not UTF-8, so it is no place for a cheat")
        if old is None:
            return diffs.new_file(path, content)
        return diffs.replace(path, old, content, mode=self.mode(path)) if old else self.add(path, content)

    def add(self, path: str, text: str) -> str:
        """A patch that adds ``text`` to the end of ``path``, which may be new."""
        old = self.text(path)
        return (
            diffs.new_file(path, text) if old is None else diffs.append(path, old, text, mode=self.mode(path))
        )

    def mode(self, path: str) -> str:
        """A base file's mode as git writes it, six octal digits."""
        return f"{self._tree[path].mode:06o}"


@dataclass(frozen=True)
class Attack:
    """One cheat, or one honest control."""

    module: str
    """The module that defines it; what follows the last dot is its name."""
    doc: str | None
    """That module's docstring; the first line is its story."""
    kind: Kind
    make: Callable[[Target], str] | None = None
    """The patch; None is the empty one."""
    code: str = ""
    """Kinds ``source`` and ``sealed``: the Python that is added to the project. Kind ``scripts``: the shell script."""
    where: Literal["places", "touched"] = "places"
    """Which files ``code`` is added to."""
    needs_seal: bool = False
    """Open: wins, or may win, where no sealed run judges it, or where nothing could be withheld from it."""
    may_fail: bool = False
    """Aims at the machinery, so that a failure marked ``policy_could_cause`` is as good an answer as 0."""
    joins: bool = True
    """Whether a composite may hold it: it neither ends the run, nor gets in another's way, nor makes a noise on the
    result channel, which would give the composite away on every task, also where nothing else would."""
    beats: Naive = "log"
    suite: Suite = "functions"

    @property
    def name(self) -> str:
        """That of the file it lies in."""
        return self.module.rpartition(".")[2]

    @property
    def story(self) -> str:
        """One line."""
        return (self.doc or "").strip().partition("\n")[0]

    @property
    def stage(self) -> Stage:
        """``sandbox``: its script runs in the agent's sandbox, then its patch is graded; ``patch``: only that."""
        return "sandbox" if self.kind == "scripts" else "patch"

    def patch(self, target: Target) -> str:
        """The patch that is handed in, against the base commit."""
        if self.make is not None:
            return self.make(target)
        if self.kind in {"source", "sealed"}:
            return in_source(target, self.code, self.where)
        return ""

    def script(self, target: Target) -> str:
        """The shell script that runs in the agent's sandbox; what it finds is on its stdout."""
        del target  # a script looks around; it knows nothing beforehand
        return self.code if self.stage == "sandbox" else ""


def in_source(target: Target, code: str, where: Literal["places", "touched"] = "places") -> str:
    """A patch that adds ``code`` to the end of the project's own modules."""
    paths = target.places if where == "places" else target.touched or target.places
    return diffs.join(*(target.add(path, "\n\n" + code.strip("\n") + "\n") for path in paths))


def mended(target: Target) -> tuple[tuple[str, str, str, str], ...]:
    """(path, text on base, text after the fix, mode) of every Python source that gold changes and does not add."""
    parts = []
    for path in target.touched:
        old, new = target.text(path), target.text(path, target.task.fix_commit)
        if old and new and path in target.paths:
            parts.append((path, old, new, target.mode(path)))
    return tuple(parts)
