"""Running tests on a patch, in forks of one prepared sandbox.

A task's environment is opened once. Each patch gets a fork of it in which the patch is applied, and each test module a fork of that:
a fork costs what has changed, so that a thousand of them are no thousand starts. What a test leaves behind, no other
test sees.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from r2egym.environment import Facilities, WorkEnvironment, WorkOptions
from r2egym.errors import SandboxUnavailableError
from r2egym.grading import divide
from r2egym.mining import parse_patch
from r2egym.records import ExecResult, Task
from r2egym.sandboxes.base import Sandbox, SandboxConfig
from r2egym.testing import TestRun, run_tests

_LINKS = frozenset({0o120000, 0o160000})
_PATCH = "/tmp/candidate.patch"  # noqa: S108 - in the sandbox
_APPLY_SECONDS = 60.0


class Forks:
    """A backend each of whose runs is in a fork of one sandbox."""

    name = "forks"

    def __init__(self, origin: Sandbox, files: Mapping[str, str] | None = None) -> None:
        self._origin = origin
        self._files = dict(files or {})

    def open(self, config: SandboxConfig) -> Sandbox:  # noqa: ARG002 - a backend's signature
        """It makes none but forks. Raises SandboxUnavailableError."""
        raise SandboxUnavailableError("forks of a sandbox are for single runs")

    def run(
        self,
        config: SandboxConfig,
        command: Sequence[str],
        *,
        timeout: float | None = None,
        stdin: bytes | None = None,
        output_limit: int = 1 << 26,
    ) -> ExecResult:
        """See Backend. Layers and limits are those of the origin; of the configuration, the variables count."""
        with self._origin.fork() as fork:
            for path, text in self._files.items():
                fork.write_file(path, text)
            return fork.exec(
                list(command),
                timeout=timeout,
                stdin=stdin,
                env=config.env,
                cwd="/testbed",
                output_limit=output_limit,
            )


class Ground:
    """A task's environment, opened, on which patches are tried. Use it in a ``with`` block.

    Raises:
        TaskError: it cannot be built.
        SandboxError: it cannot be started.
    """

    def __init__(self, facilities: Facilities, task: Task, root: Path | None) -> None:
        self.task = task
        self._built = facilities.built(task, root)
        self._tree = self._built.repository.tree(task.base_commit)
        self._env = WorkEnvironment(facilities, task, root=root, options=WorkOptions(history="none"))

    def __enter__(self) -> Self:
        _ = self._env.sandbox
        return self

    def __exit__(self, *_: object) -> None:
        self._env.close()

    @property
    def test_modules(self) -> tuple[str, ...]:
        """Test modules of the base commit: the repository's own, never the hidden ones."""
        found = []
        for path, entry in self._tree.items():
            name = path.rpartition("/")[2]
            is_module = name.endswith("_test.py") or (name.startswith("test") and name.endswith(".py"))
            if is_module and entry.mode not in _LINKS:
                found.append(path)
        return tuple(sorted(found))

    def source_of(self, patch: str) -> str:
        """The part of a patch that is tried: what grading would apply of it, without the attempt's own tests.

        Raises:
            PatchError: it is no patch.
        """

        def is_link(path: str) -> bool:
            return path in self._tree and self._tree[path].mode in _LINKS

        surface = divide(parse_patch(patch), is_link=is_link)
        return "".join(part.text for part in surface.applied)

    @contextmanager
    def patched(self, source: str) -> Iterator[Sandbox | None]:
        """A sandbox with a patch applied; None when it does not apply. Raises SandboxError."""
        with self._env.sandbox.fork() as fork:
            if source:
                fork.write_file(_PATCH, source)
                command = ["git", "apply", "--whitespace=nowarn", _PATCH]
                done = fork.exec(command, cwd="/testbed", timeout=_APPLY_SECONDS)
                fork.exec(["rm", "-f", _PATCH])
                if done.exit_code:
                    yield None
                    return
            yield fork

    def run(
        self,
        sandbox: Sandbox,
        modules: Sequence[str],
        *,
        timeout: float,
        test_timeout: float,
        files: Mapping[str, str] | None = None,
        tracebacks: bool = False,
    ) -> TestRun:
        """Run modules in a fork of a sandbox, with further files in place. Raises SandboxError."""
        return run_tests(
            Forks(sandbox, {f"/testbed/{path}": text for path, text in (files or {}).items()}),
            self._built.config(history="none"),
            self.task.environment.recipe,
            modules,
            timeout=timeout,
            test_timeout=test_timeout,
            tracebacks=tracebacks,
        )
