"""An environment that is ready: its layers, and the sandbox configuration made of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from r2egym.building.history import History
from r2egym.building.interpreters import VENV, Interpreter
from r2egym.building.project import TESTBED
from r2egym.mining import Repository
from r2egym.records import Environment
from r2egym.sandboxes.base import Layer, Limits, SandboxConfig

_PATH = f"{VENV}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_PATHS = {"PATH": _PATH, "VIRTUAL_ENV": VENV}
_PYTHON2 = {"PYTHONDONTWRITEBYTECODE": "1"}
"""It would put byte code beside its sources, where it looks like work."""


@dataclass(frozen=True)
class Built:
    """The layers of one environment. They stay in use, and are not pruned, while the builder that made it is open."""

    environment: Environment
    repository: Repository
    base_commit: str
    interpreter: Interpreter
    python: Layer
    """The interpreter."""
    venv: Path
    """Dependencies, without the project."""
    project: Path
    """What installing the project adds to them."""
    tree: Path
    """The base commit's files."""
    link: Path
    """Holds ``.venv``, a link to the virtual environment."""
    generated: Path | None = None
    """Files that building the project adds to its tree (compiled extensions, version files)."""
    history: Callable[[History], Path] = field(repr=False, kw_only=True)
    """Makes the ``.git`` layer."""
    fingerprints: dict[str, str] = field(default_factory=dict)
    """``system``, ``interpreter`` and ``tools`` that it was made with."""
    collected: int | None = None
    """Tests that the base commit has, when they were counted."""

    def config(
        self,
        *,
        history: Literal["past", "none", "absent"] = "past",
        writable: bool = True,
        extra: tuple[Layer, ...] = (),
        tree: Path | None = None,
        network: Literal["none", "index", "host"] = "none",
        limits: Limits | None = None,
    ) -> SandboxConfig:
        """A sandbox configuration: work tree at ``/testbed``, interpreter and dependencies under ``/opt/r2egym``.

        Args:
            history: what ``.git`` holds: the base's past, one commit, or there is none.
            writable: whether an overlay takes writes to the work tree and the virtual environment.
            extra: further mounts, after these.
            tree: a tree layer (:meth:`Builder.tree_layer`) instead of the base commit's.
            network: as in SandboxConfig; ``index`` needs its ``index`` set too.
            limits: bounds; None: the defaults.
        """
        sources = (self.link, *((self.generated,) if self.generated else ()), tree or self.tree)
        if history != "absent":
            sources = (self.history(history), *sources)
        return SandboxConfig(
            layers=(
                self.python,
                Layer(target=VENV, sources=(self.project, self.venv), writable=writable),
                Layer(target=TESTBED, sources=sources, writable=writable),
                *extra,
            ),
            env={
                **_PATHS,
                **(_PYTHON2 if self.environment.recipe.python.startswith("2.") else {}),
                **self.environment.recipe.environment,
            },
            cwd=TESTBED,
            network=network,
            limits=limits or Limits(),
        )
