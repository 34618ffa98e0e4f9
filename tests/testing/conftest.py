"""One sandbox backend and one virtual environment for all tests of this room."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.testing.sandboxed import RECIPE, config, running_venv, write

from r2egym.errors import SandboxError
from r2egym.records import HiddenFile, HiddenTests, Recipe
from r2egym.sandboxes import open_backend
from r2egym.sandboxes.base import Backend, SandboxConfig
from r2egym.testing import (
    CompiledTests,
    SealedRun,
    TestRun,
    compile_tests,
    run_compiled,
    run_sealed,
    run_tests,
    stub,
)


@pytest.fixture(scope="session")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Backend:
    """The sandbox backend of this machine, tried once."""
    try:
        found = open_backend("bubblewrap", tmp_path_factory.mktemp("sandboxes"))
        found.run(SandboxConfig(), ["true"])
    except SandboxError as error:
        pytest.skip(f"no sandbox on this machine: {error}")
    return found


@pytest.fixture(scope="session")
def venv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The environment of the interpreter that runs now."""
    return running_venv(tmp_path_factory.mktemp("venv") / "venv")


class Range:
    """Runs a project's tests plainly and compiled."""

    def __init__(self, backend: Backend, venv: Path, folder: Path) -> None:
        self.backend, self.venv, self.folder = backend, venv, folder
        self.number = 0

    def config(self, files: dict[str, str]) -> SandboxConfig:
        """A sandbox with these files at /testbed."""
        self.number += 1
        return config(self.venv, write(self.folder / str(self.number), files))

    def plain(
        self, files: dict[str, str], *modules: str, recipe: Recipe = RECIPE, **options: object
    ) -> TestRun:
        """Run test modules as they lie there."""
        given = {"timeout": 60.0, **options}
        return run_tests(self.backend, self.config(files), recipe, modules, **given)  # type: ignore[arg-type]

    def compile(
        self, files: dict[str, str], *modules: str, recipe: Recipe = RECIPE, **options: object
    ) -> CompiledTests:
        """Compile test modules."""
        hidden = HiddenTests(
            files=tuple(HiddenFile(path=path, content=files[path]) for path in modules), modules=modules
        )
        return compile_tests(self.backend, self.config(files), recipe, hidden, **options)  # type: ignore[arg-type]

    def compiled(
        self, files: dict[str, str], *modules: str, recipe: Recipe = RECIPE, **options: object
    ) -> TestRun:
        """Compile test modules, and run them beside stubs."""
        made = self.compile(files, *modules, recipe=recipe, **options)
        stubbed = {**files, **{path: stub(path) for path in modules}}
        return run_compiled(self.backend, self.config(stubbed), recipe, made, timeout=60, test_timeout=10)

    def sealed(
        self,
        files: dict[str, str],
        *modules: str,
        recipe: Recipe = RECIPE,
        made: CompiledTests | None = None,
    ) -> SealedRun:
        """Seal test modules, and run them beside stubs."""
        made = made or self.compile(files, *modules, recipe=recipe, mode="sealed")
        stubbed = {**files, **{path: stub(path) for path in (*modules, *made.helpers)}}
        return run_sealed(
            self.backend,
            self.config(stubbed),
            self.config(files),
            recipe,
            made,
            timeout=60,
            test_timeout=10,
        )


@pytest.fixture(scope="session")
def lane(backend: Backend, venv: Path, tmp_path_factory: pytest.TempPathFactory) -> Range:
    """Where the tests of this room shoot."""
    return Range(backend, venv, tmp_path_factory.mktemp("range"))
