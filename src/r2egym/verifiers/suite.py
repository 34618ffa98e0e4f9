"""Generated tests: where they come from, and how they become modules that a test runner can run.

They come from a JSONL file (``{"instance_id": …, "tests": […]}``, a test file each: its text, or an object with ``source`` and perhaps
``name`` and ``style``), or from the run of a testing agent, whose patches hold them.

Two styles. ``pytest``: a test fails or passes. ``print``, the published protocol: it prints ``Issue reproduced``, ``Issue resolved`` or
``Other issues``; such a file is wrapped in a module that runs its functions one by one and reads what each prints. A file whose
functions print those lines and take no arguments is of the second style, unless it says otherwise.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from r2egym.errors import DatasetError, UsageError
from r2egym.mining import PatchError, is_test_path, parse_patch
from r2egym.records import Record
from r2egym.verifiers.runs import is_run, read_trajectories

Style = Literal["pytest", "print"]
RESOLVED, REPRODUCED, OTHER = "Issue resolved", "Issue reproduced", "Other issues"
_FUNCTION = re.compile(r"^def[ \t]+(test\w*)[ \t]*\(([^)]*)\)", re.MULTILINE)
_MOST = 1 << 20

_WRAPPER = """\
# -*- coding: utf-8 -*-
import sys
import unittest

try:
    from StringIO import StringIO
except ImportError:
    from io import StringIO

SOURCE = {source}
NAMES = {names}
SPACE = {{"__name__": "generated", "__file__": __file__}}
WRONG = []


def captured(function):
    kept, sys.stdout = sys.stdout, StringIO()
    error = None
    try:
        try:
            function()
        except (Exception, SystemExit):
            error = sys.exc_info()[1]
        return sys.stdout.getvalue(), error
    finally:
        sys.stdout = kept


def load():
    exec(compile(SOURCE, "generated.py", "exec"), SPACE)


WRONG.append(captured(load)[1])


class Generated(unittest.TestCase):
    pass


def method(name):
    def run(self):
        if name not in SPACE:
            raise RuntimeError("the file ends before it: %r" % (WRONG[0],))
        text, error = captured(SPACE[name])
        said = [phrase for phrase in ({resolved!r}, {reproduced!r}, {other!r}) if phrase in text]
        if said == [{resolved!r}] and error is None:
            return
        if said == [{reproduced!r}] or (not said and isinstance(error, AssertionError)):
            raise AssertionError({reproduced!r})
        raise RuntimeError("%s: %r %r" % ({other!r}, said, error))

    run.__name__ = str(name)
    return run


for NAME in NAMES:
    setattr(Generated, NAME, method(NAME))
"""


class TestFile(Record):
    """One file of generated tests."""

    __test__ = False

    name: str
    """Letters, digits and underscores; distinct within a task."""
    source: str
    style: Style

    def module(self) -> str:
        """The text of the module that is run."""
        if self.style == "pytest":
            return self.source
        names = [found[1] for found in _FUNCTION.finditer(self.source)]
        return _WRAPPER.format(
            source=ascii(self.source),
            names=ascii(list(dict.fromkeys(names))),
            resolved=RESOLVED,
            reproduced=REPRODUCED,
            other=OTHER,
        )

    @property
    def path(self) -> str:
        """Where it is put, relative to the repository's root, where testing agents write theirs."""
        return f"test_generated_{self.name}.py"


def style_of(source: str) -> Style:
    """How a file's tests say what they found."""
    phrases = sum(phrase in source for phrase in (RESOLVED, REPRODUCED, OTHER))
    arguments = [found[2].strip() for found in _FUNCTION.finditer(source)]
    return "print" if phrases > 1 and arguments and not any(arguments) else "pytest"


def read_tests(path: Path) -> dict[str, tuple[TestFile, ...]]:
    """Generated tests by task, from a JSONL file or from a testing agent's run.

    Raises:
        UsageError: there is nothing at that path.
        DatasetError: a line of the file is wrong, or the run holds no test.
    """
    if path.is_dir():
        if not is_run(path):
            raise UsageError(
                f"{path}: a folder without a run in it; --tests takes a JSONL file or a testing agent's run"
            )
        return _of_run(path)
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        raise UsageError(
            f"{path}: no such file; --tests takes a JSONL file or a testing agent's run"
        ) from None
    found: dict[str, list[TestFile]] = defaultdict(list)
    for number, line in enumerate(lines, 1):
        if line.strip():
            name, tests = _line(line, f"{path}, line {number}")
            found[name] += [
                _file(test, len(found[name]) + place, f"{path}, line {number}")
                for place, test in enumerate(tests)
            ]
    return {name: tuple(files) for name, files in found.items()}


def _line(line: bytes, where: str) -> tuple[str, list[Any]]:
    try:
        value = json.loads(line.decode())
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"{where}: not JSON ({error})") from None
    if not isinstance(value, dict) or not isinstance(value.get("instance_id"), str):
        raise DatasetError(f'{where}: expected an object with "instance_id" and "tests"')
    if not isinstance(value.get("tests"), list):
        raise DatasetError(f'{where}: "tests" must be a list of test files')
    return value["instance_id"], value["tests"]


def _file(test: object, number: int, where: str) -> TestFile:
    value = {"source": test} if isinstance(test, str) else test
    if not isinstance(value, Mapping) or not isinstance(value.get("source"), str):
        raise DatasetError(f'{where}: test {number}: expected the text of a file, or an object with "source"')
    source = value["source"]
    if len(source) > _MOST:
        raise DatasetError(f"{where}: test {number}: more than {_MOST >> 20} MiB")
    label = re.sub(r"\W+", "_", str(value.get("name") or ""), flags=re.ASCII).strip("_")
    try:
        return TestFile(
            name=f"{number}_{label}".rstrip("_")[:80],
            source=source,
            style=value.get("style") or style_of(source),
        )
    except ValidationError:
        raise DatasetError(f'{where}: test {number}: "style" is "pytest" or "print"') from None


def _of_run(run: Path) -> dict[str, tuple[TestFile, ...]]:
    found: dict[str, list[TestFile]] = defaultdict(list)
    for trajectory in read_trajectories(run):
        for source in written_tests(trajectory.output_patch):
            files = found[trajectory.instance_id]
            name = f"{len(files)}_attempt_{trajectory.attempt}"
            files.append(TestFile(name=name, source=source, style=style_of(source)))
    if not found:
        raise DatasetError(
            f"{run}: no attempt of this run wrote a test file; it takes the run of a testing agent"
        )
    return {name: tuple(files) for name, files in found.items()}


def written_tests(patch: str) -> list[str]:
    """The test files that a patch adds."""
    try:
        parts = parse_patch(patch)
    except PatchError:
        return []
    found = []
    for part in parts:
        if (
            part.kind == "added"
            and part.path.endswith(".py")
            and is_test_path(part.path)
            and not part.is_binary
        ):
            lines = [line[1:] for hunk in part.hunks for line in hunk.lines if line.startswith("+")]
            source = "\n".join(lines) + "\n"
            if _FUNCTION.search(source) or "class Test" in source:
                found.append(source)
    return found
