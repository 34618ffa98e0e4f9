"""Compiled tests: hidden from what they test, under random names, each beside a twin that must not pass with it.

:func:`compile_tests` runs in a sandbox in which nothing of a patch ever was; :func:`run_compiled` hands the code objects
to a sandbox that holds the patched source and, in place of the test modules, stubs. The map from random names to tests
stays here. See the design note on twins for what this stops and what it cannot.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Collection
from typing import Any, Literal, NamedTuple

from r2egym.errors import GraderError
from r2egym.records import HiddenTests, Recipe, Record, TestStatus
from r2egym.sandboxes.base import Backend, SandboxConfig
from r2egym.testing.events import Report
from r2egym.testing.machinery import COMPILING, ROOT, RUNNING, cleared, command, package, run_job
from r2egym.testing.statuses import TestRun

_COMPILE_SECONDS = 120.0
_TWINS = ((1, 7), (50, 3))
"""Important tests up to this many → twins each. All have one at least; see the design note on twins."""


_NO_HELPERS = frozenset({"__init__.py", "conftest.py", "setup.py"})
"""What is found by its name, not imported by it."""


class CompiledTests(Record):
    """Test modules as code objects of one interpreter. Secret: hand it to no sandbox but the one that runs it."""

    codes: dict[str, str]
    """Module path → marshalled code, base64."""
    names: dict[str, tuple[str, int]]
    """Name in the code → name of the test, and 0 for the test itself or the number of its twin."""
    defined: dict[str, tuple[tuple[str, ...], ...]]
    """Id of a test function, without parameters → how each of its twins differs."""
    errors: dict[str, str]
    """Module path → why it does not compile on this interpreter."""
    settings: dict[str, Any]
    """The repository's pytest settings as of the base commit, cleaned."""
    modules: tuple[str, ...]
    helpers: tuple[str, ...] = ()
    """Sealed tests: modules beside them that assert as well, and are sealed with them; ``codes`` holds them too."""
    sites: tuple[dict[str, Any], ...] = ()
    """Sealed tests: what each place demands; places are known by their number."""
    constants: tuple[dict[str, Any], ...] = ()
    """Sealed tests: what was withheld: ``v``, plain data, and ``visible``, whether its test shows that value elsewhere."""


class Name(NamedTuple):
    """A collected id, taken apart: which test it belongs to, on which row, and which copy of it."""

    function: str
    """``path::Class::name``, the test's own name."""
    parameters: str
    """``[…]`` or nothing."""
    number: int
    """0: the test itself; else the number of the twin."""
    compiled: str
    """The name that it was compiled from, without what a decorator added; empty when it was not compiled."""


def stub(path: str) -> str:
    """What lies on disk in place of the test module at ``path``."""
    return f'exec(__import__("_r2egym_stub").code({path!r}), globals())\n'


def compile_tests(
    backend: Backend,
    clean_config: SandboxConfig,
    recipe: Recipe,
    hidden: HiddenTests,
    *,
    seed: str | None = None,
    mode: Literal["twins", "plain", "sealed"] = "twins",
    important: Collection[str] = (),
    beside: Collection[str] = (),
) -> CompiledTests:
    """Compile the hidden test modules with the task's own interpreter.

    Args:
        backend: where.
        clean_config: the base commit at ``/testbed``; nothing of any patch.
        recipe: how the repository is tested.
        hidden: the tests; modules without a file of their own are read from ``/testbed``.
        seed: decides all names and changes; None: a secret one. Keep it from what is tested.
        mode: ``twins``: random names and twins; ``sealed``: random names, no twins, expected values taken out; ``plain``:
            the modules as they are.
        important: ids of tests that a reward depends on most: they get more twins than one, the fewer they are.
        beside: paths of Python files of the base commit that no patch can touch; what of them and of ``hidden`` the
            modules import is sealed with them.

    Raises:
        GraderError: the compiler did not come to its end.
        SandboxError: the sandbox broke.
    """
    files = {file.path: file for file in hidden.files}
    sources = {
        path: file.content if file.encoding == "base64" else _encoded(file.content.encode())
        for path, file in files.items()
        if path in hidden.modules or path.endswith(".py")
    }
    job = {
        "root": ROOT,
        "runner": recipe.runner,
        "settings": None,
        "seed": secrets.token_hex(16) if seed is None else seed,
        "modules": list(hidden.modules),
        "sources": sources,
        "counts": {**_counts(important), **{_bare(test): 0 for test in hidden.twinless}},
        "renames": mode != "plain",
        "twins": mode == "twins",
        "seals": mode == "sealed",
        "beside": _beside(hidden, beside) if mode == "sealed" else [],
    }
    done = backend.run(
        cleared(clean_config, 0), command(), timeout=_COMPILE_SECONDS, stdin=package(COMPILING, job)
    )
    try:
        found = json.loads(done.stdout)
    except ValueError:
        last = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.exit_code}"]
        raise GraderError(f"the hidden tests were not compiled: {last[0][:300]}") from None
    return CompiledTests(modules=hidden.modules, **found)


def run_compiled(
    backend: Backend,
    config: SandboxConfig,
    recipe: Recipe,
    compiled: CompiledTests,
    *,
    timeout: float,
    test_timeout: float = 60.0,
) -> TestRun:
    """Run compiled tests in a fresh sandbox (run A).

    Args:
        backend: where.
        config: the patched source at ``/testbed``, with :func:`stub` in place of every test module.
        recipe: how the repository is tested.
        compiled: from :func:`compile_tests`.
        timeout: wall seconds for all of it.
        test_timeout: wall seconds for one test.

    Raises:
        SandboxError: the sandbox broke.
    """
    job = run_job(recipe, compiled.modules, test_timeout)
    job |= {"codes": compiled.codes, "settings": compiled.settings}
    done = backend.run(cleared(config, 0), command(), timeout=timeout, stdin=package(RUNNING, job))
    run, _ = read_run(compiled, Report(done, job["nonce"]))
    return run


def read_run(compiled: CompiledTests, report: Report) -> tuple[TestRun, list[str]]:
    """A run of compiled tests under their real names, and the id of every entry of the report's census."""
    reader = _Reader(compiled, report)
    return reader.read(), reader.ids


class _Reader:
    """Turns random names back and holds every test against its twins."""

    def __init__(self, compiled: CompiledTests, report: Report) -> None:
        self.compiled = compiled
        self.report = report
        self.lengths = sorted({len(name) for name in compiled.names}, reverse=True)
        self.rows: dict[tuple[str, int], list[int]] = {}
        self.ids: list[str] = []
        self.functions: list[str] = []
        self.numbers: dict[str, set[int]] = {}
        for real, number in compiled.names.values():
            self.numbers.setdefault(real, set()).add(number)
        self.compiled_from: dict[str, str] = {}

    def read(self) -> TestRun:
        report = self.report
        own = []
        for index, test in enumerate(report.census or ()):
            name = self._name(test)
            if not name.compiled and name.function.rpartition("::")[2] in self.numbers:
                # nothing that was compiled has this name any more: who reports it has no twins to be held against
                report.alarm(f"{test}, a name that no compiled test has")
            self.compiled_from[name.function] = name.compiled
            self.rows.setdefault((name.function, name.number), []).append(index)
            self.ids.append(name.function + name.parameters)
            self.functions.append(name.function)
            if name.number == 0:
                own.append(index)
        if len({self.ids[index] for index in own}) != len(own):
            report.alarm("two tests of one name")
        statuses = {self.ids[index]: status for index in own if (status := report.status(index)) is not None}
        passed, missing, failed = self._twins()
        own_set = set(own)
        return TestRun(
            statuses=statuses,
            messages={
                **report.collection,
                **{self.ids[index]: text for index, text in report.messages.items() if index in own_set},
            },
            durations={self.ids[i]: seconds for i, seconds in report.durations.items() if i in own_set},
            complete=report.complete,
            census=tuple(self.ids[index] for index in own),
            alarms=tuple(report.alarms),
            timeouts=tuple(self.ids[index] for index in report.timeouts if index in own_set),
            twins_passed=passed,
            twins_missing=missing,
            twins_failed=failed,
            twins_slow=tuple(sorted({self.functions[i] for i in report.timeouts if i not in own_set})),
            origins=report.origins,
            versions=report.versions,
            exec=report.exec.model_copy(update={"stdout": ""}),
        )

    def _name(self, test: str) -> Name:
        function = function_of(test)
        parameters = test[len(function) :]
        owner, _, name = function.rpartition("::")
        real, number, compiled = self._known(name)
        return Name(f"{owner}::{real}" if owner else real, parameters, number, compiled)

    def _known(self, name: str) -> tuple[str, int, str]:
        """A random name, or one that a decorator made of it by adding to its end, turned back."""
        for length in self.lengths:
            found = self.compiled.names.get(name[:length]) if length <= len(name) else None
            if found is not None and (length == len(name) or found[0] != name[:length]):
                return found[0] + name[length:], found[1], found[0]
        return name, 0, ""

    def _twins(self) -> tuple[dict[str, tuple[int, ...]], ...]:
        """The twins of each test that passed: those that passed too, that are missing, that failed."""
        passed: dict[str, tuple[int, ...]] = {}
        missing: dict[str, tuple[int, ...]] = {}
        failed: dict[str, tuple[int, ...]] = {}
        for (function, number), rows in list(self.rows.items()):
            if number:
                continue
            kinds, origin = self.compiled.defined.get(function), self.compiled_from[function]
            for twin in range(1, _TWINS[0][1] + 1) if kinds is None else range(1, len(kinds) + 1):
                others = self.rows.get((function, twin))
                if others is None and kinds is None and twin not in self.numbers.get(origin, ()):
                    continue  # inherited, or generated: it has the twins that came from the same name
                for place, index in enumerate(rows):
                    if not self._passed(index):
                        continue
                    if others is None or len(others) != len(rows) or self._lost(others[place]):
                        kind = missing
                    else:
                        kind = passed if self._passed(others[place]) else failed
                    kind[self.ids[index]] = (*kind.get(self.ids[index], ()), twin)
        return passed, missing, failed

    def _passed(self, index: int) -> bool:
        return self.report.status(index) is TestStatus.PASSED

    def _lost(self, index: int) -> bool:
        return self.report.status(index) is None


def function_of(test: str) -> str:
    """A test id without its parameters."""
    start = test.find("[", max(test.find("::"), 0))
    return test if start < 0 else test[:start]


def _bare(test: str) -> str:
    """The name of a test function, without class and parameters."""
    return function_of(test).rsplit("::", 1)[-1]


def _counts(important: Collection[str]) -> dict[str, int]:
    """Name of a test function → number of its twins. Who guesses which of all copies are true must guess each."""
    names = {_bare(test) for test in important}
    return dict.fromkeys(names, next((twins for most, twins in _TWINS if len(names) <= most), 1))


def _beside(hidden: HiddenTests, base: Collection[str]) -> list[str]:
    """Python files that may be helpers of the tests."""
    found = {*base, *(file.path for file in hidden.files)} - {*hidden.deleted, *hidden.modules}
    return sorted(
        path for path in found if path.endswith(".py") and path.rpartition("/")[2] not in _NO_HELPERS
    )


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
