"""Putting an environment together from layers, when its recipe and lock are known."""

from __future__ import annotations

import hashlib
import platform
import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from threading import Lock

from r2egym.building.built import Built
from r2egym.building.files import Files
from r2egym.building.foreign import editable_layers
from r2egym.building.history import Histories
from r2egym.building.index import SIMPLE
from r2egym.building.interpreters import PYTHON, VENV, Interpreter, find_interpreters, interpreter_layer, pick
from r2egym.building.layers import LayerStore
from r2egym.building.objects import Objects
from r2egym.building.project import TESTBED, path_layer
from r2egym.building.python2 import TOOLS as PYTHON2_TOOLS
from r2egym.building.python2 import Python2Tools
from r2egym.building.resolve import environment_layer
from r2egym.building.source import Source, WheelFolder, parse_time
from r2egym.building.trees import unpack_tree
from r2egym.building.upstream import Upstream, builtin_address
from r2egym.building.workshop import TMP, TOOLS, UV, Bench, Failing, Workshop
from r2egym.errors import BuildError, TaskError
from r2egym.mining import Repository
from r2egym.records import Environment
from r2egym.sandboxes.base import Backend, Layer
from r2egym.settings import Settings

TRIAL = f"{TMP}/venv"
"""Where somebody who looks for a recipe installs what he likes."""
_TRIAL_ENV = {
    "PATH": f"{TRIAL}/bin:{TOOLS}:{PYTHON}/bin:/usr/local/bin:/usr/bin:/bin", "VIRTUAL_ENV": TRIAL,
    "UV_DEFAULT_INDEX": SIMPLE, "UV_NO_CONFIG": "1", "UV_NO_CACHE": "1", "UV_PYTHON_DOWNLOADS": "never",
    "UV_KEYRING_PROVIDER": "disabled", "PIP_INDEX_URL": SIMPLE, "PIP_NO_CACHE_DIR": "1",
}  # fmt: skip


class Assembly:
    """Makes layers, and environments of them. Safe for threads and processes."""

    def __init__(self, home: Path, backend: Backend, settings: Settings) -> None:
        self.store = LayerStore(home)
        self._backend = backend
        self._settings = settings
        self._mutex = Lock()
        self._workshops: dict[Path | None, Workshop] = {}
        self._histories: dict[Path, Histories] = {}
        self._interpreters: list[Interpreter] | None = None

    def assemble(
        self, repository: Repository, base: str, environment: Environment, index: Path | None
    ) -> Built:
        """Make every layer of an environment but its ``.git``. Raises BuildError."""
        recipe = environment.recipe
        interpreter = self.interpreter(recipe.python)
        objects = Objects(repository.path)
        tree = self.tree_layer(repository, objects.root(base))
        workshop = self.workshop(index)
        before = parse_time(environment.as_of)
        venv = environment_layer(workshop, interpreter, environment.lock, before)
        histories = self.histories(repository)
        generated: Path | None = None
        if recipe.install == "editable":
            git = histories.layer(base, tree, "past")
            project, generated = editable_layers(workshop, interpreter, venv, tree, git, before)
        elif recipe.install == "path":
            files = read_files(repository, base)
            project = path_layer(self.store, recipe, files, histories.nearest_tag(base, files))
        else:
            project = self.store.layer("projects", "none", lambda _: None)
        return Built(
            environment=environment,
            repository=repository,
            base_commit=base,
            interpreter=interpreter,
            python=interpreter_layer(self.store, interpreter),
            venv=venv,
            project=project,
            generated=generated,
            tree=tree,
            link=self._link(tree),
            history=lambda history: histories.layer(base, tree, history),
            fingerprints=_fingerprints(interpreter),
        )

    def _link(self, tree: Path) -> Path:
        """The layer with ``.venv``; empty for a project that has something of that name itself."""
        own = (tree / ".venv").exists() or (tree / ".venv").is_symlink()

        def build(folder: Path) -> None:
            if not own:
                (folder / ".venv").symlink_to(VENV)

        return self.store.layer("links", "none" if own else "venv", build)

    def tree_layer(self, repository: Repository, tree: str, *, objects: Path | None = None) -> Path:
        """A git tree as a layer.

        Args:
            repository: where its objects are.
            tree: 40 hex digits.
            objects: a further object folder, as a quarantine has it.
        """
        if not re.fullmatch(r"[0-9a-f]{40}", tree):
            raise TaskError(f"not a tree's id: {tree!r}")

        def unpack(folder: Path) -> None:
            found = Objects(repository.path, *((objects,) if objects else ()))
            unpack_tree(found, tree, folder, self.store)

        return self.store.layer("trees", tree, unpack)

    @contextmanager
    def bench(self, repository: Repository, base: str, python: str, index: Path | None) -> Iterator[Bench]:
        """A build sandbox with a commit's files and past at :data:`TESTBED`, and an empty environment for Python 3 at :data:`TRIAL`.

        Plain ``uv pip install`` in it installs into that environment, from the index as of the commit's date.

        Raises:
            BuildError: there is no such interpreter.
            SandboxError: it cannot be had.
        """
        interpreter = self.interpreter(python)
        tree = self.tree_layer(repository, Objects(repository.path).root(base))
        past = self.histories(repository).layer(base, tree, "past")
        mounts = [Layer(target=TESTBED, sources=(past, tree), writable=True)]
        before = float(repository.commit(base).committer_time)
        failing = Failing("setup-failed", "its build sandbox cannot be set up")
        with self.workshop(index).bench(interpreter, before, failing, mounts, _TRIAL_ENV) as bench:
            if not interpreter.is_python2:
                bench.run([UV, "venv", "--quiet", "--python", f"{PYTHON}/bin/python3", TRIAL])
            yield bench

    def interpreters(self) -> list[Interpreter]:
        """The interpreters of this machine, one a minor version, newest first."""
        with self._mutex:
            if self._interpreters is None:
                known = self._settings
                self._interpreters = find_interpreters(
                    self.store, known.path, known.pyenv_root, known.user_home
                )
            return self._interpreters

    def interpreter(self, minor: str) -> Interpreter:
        """The interpreter of a minor version, ready to be mounted. Raises BuildError (``no-python``)."""
        try:
            interpreter = pick(self.interpreters(), minor)
            interpreter_layer(self.store, interpreter)
        except TaskError as error:
            raise BuildError("no-python", str(error)) from None
        return interpreter

    def workshop(self, index: Path | None) -> Workshop:
        """Where foreign code runs that sees the wheels in ``index``; None: the configured package index."""
        from uv import find_uv_bin

        with self._mutex:
            if index not in self._workshops:
                uv = Path(find_uv_bin())
                source = self._source(index, uv)

                def sources() -> tuple[Source, ...]:
                    return (source,) if index is None else (source, self._source(None, uv))

                older = Python2Tools(self.store, self._backend, sources, self.interpreters)
                self._workshops[index] = Workshop(self.store, self._backend, source, uv, older)
            return self._workshops[index]

    def _source(self, index: Path | None, uv: Path) -> Source:
        if index is not None:
            return WheelFolder(index)
        address = self._settings.index_address or builtin_address(uv)
        return Upstream(self.store.home, address, self._settings.certificates)

    def histories(self, repository: Repository) -> Histories:
        """The maker of a repository's ``.git`` layers."""
        with self._mutex:
            if repository.path not in self._histories:
                self._histories[repository.path] = Histories(repository.path, self.store)
            return self._histories[repository.path]


def read_files(repository: Repository, base: str) -> Files:
    """The files of a commit, read when they are asked for."""
    return Files(repository.tree(base), lambda path: repository.read(base, path))


def _fingerprints(interpreter: Interpreter) -> dict[str, str]:
    release = platform.freedesktop_os_release() if Path("/etc/os-release").exists() else {}
    system = f"{release.get('ID', platform.system())} {release.get('VERSION_ID', '')} {platform.machine()} "
    libc = "-".join(platform.libc_ver())
    digest = hashlib.sha256(interpreter.key.encode()).hexdigest()[:12]
    return {
        "system": (system + libc).strip(),
        "interpreter": f"cpython {interpreter.version} {digest}",
        "tools": PYTHON2_TOOLS if interpreter.is_python2 else f"uv {version('uv')}",
    }
