"""What a check is, and what it is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from r2egym.sandboxes.base import Backend, Capability, Layer, Sandbox, SandboxConfig


class UnfitError(AssertionError):
    """A backend does not do what a check asks for."""


@dataclass(frozen=True)
class Case:
    """A backend, and an empty folder of this machine to work in."""

    backend: Backend
    folder: Path

    def layer(self, name: str, files: Mapping[str, str]) -> Path:
        """A folder with these files."""
        root = self.folder / name
        root.mkdir()
        for path, text in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
        return root

    def config(self, files: Mapping[str, str] | None = None, **more: object) -> SandboxConfig:
        """A configuration with a writable ``/testbed`` of these files, which is also its working directory."""
        source = self.layer(f"source{len(list(self.folder.iterdir()))}", files or {"a.txt": "one\n"})
        layers = (Layer(target="/testbed", sources=(source,), writable=True),)
        return SandboxConfig.model_validate({"layers": layers, "cwd": "/testbed"} | more)

    def open(self, files: Mapping[str, str] | None = None, **more: object) -> Sandbox:
        """A sandbox of :meth:`config`."""
        return self.backend.open(self.config(files, **more))


@dataclass(frozen=True)
class Check:
    """One thing that a backend must do."""

    name: str
    story: str
    needs: frozenset[Capability]
    action: Callable[[Case], None]

    def run(self, backend: Backend, folder: Path) -> None:
        """Check ``backend``; ``folder`` is an empty one. Raises UnfitError."""
        self.action(Case(backend, folder))


def check(*needs: Capability) -> Callable[[Callable[[Case], None]], Check]:
    """Make a check of a function: its name and its docstring become the check's."""

    def make(action: Callable[[Case], None]) -> Check:
        story = (action.__doc__ or "").strip().splitlines()[0]
        return Check(action.__name__.replace("_", "-"), story, frozenset(needs), action)

    return make


def expect(found: object, wanted: object, what: str) -> None:
    """Raise UnfitError unless the two are equal."""
    if found != wanted:
        raise UnfitError(f"{what}: {found!r}, not {wanted!r}")


def expect_that(condition: object, what: str) -> None:
    """Raise UnfitError unless the condition holds."""
    if not condition:
        raise UnfitError(what)


def expect_raises(kind: type[Exception], action: Callable[[], object], what: str) -> Exception:
    """Raise UnfitError unless the action raises that kind of exception, which is returned."""
    try:
        action()
    except kind as error:
        return error
    raise UnfitError(f"{what} raises no {kind.__name__}")
