"""Which parts of a patch are applied: the source, and nothing that steers how tests are found, run or reported.

What is left out is neutral, since honest agents write tests and touch configuration too. Files that are both source and
configuration (``pyproject.toml``, ``setup.cfg``, ``setup.py``) are applied: the runner reads its settings from the base
commit, never from the patched tree.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from r2egym.mining import FilePatch, is_test_path

_LINK = "120000"
_SUBMODULE = "160000"
_FOLDERS = frozenset({".git", "git~1", ".venv", ".hg", ".tox", ".nox", "__pycache__", ".hypothesis"})
_FILES = frozenset({
    "pytest.ini", ".pytest.ini", "pytest.toml", ".pytest.toml", "tox.ini", "tox.toml", ".coveragerc", "noxfile.py",
    "nose.cfg", ".noserc", ".gitmodules", "pyvenv.cfg",
})  # fmt: skip
_MODULES = frozenset({"conftest", "sitecustomize", "usercustomize"})
_SUFFIXES = (".pth", ".pyc", ".pyo", ".egg-link", ".egg-info", ".dist-info", ".egg")


@dataclass(frozen=True, slots=True)
class Surface:
    """A patch, divided."""

    applied: tuple[FilePatch, ...]
    ignored: tuple[str, ...]
    """Paths, sorted."""


def divide(
    parts: Collection[FilePatch], *, is_link: Callable[[str], bool], hidden: Collection[str] = ()
) -> Surface:
    """Divide a patch into what is applied and what is left out.

    Args:
        parts: the patch, parsed.
        is_link: whether a path of the base commit is a symbolic link or a submodule.
        hidden: paths that the graders put in place themselves.
    """
    places = frozenset(hidden)
    applied: list[FilePatch] = []
    ignored: set[str] = set()
    for part in parts:
        written = (part.path,) if part.kind == "copied" else part.paths
        odd = {part.old_mode, part.new_mode} & {_LINK, _SUBMODULE}
        if odd or any(_is_kept(path, is_link, places) for path in written):
            ignored.update(written)
        else:
            applied.append(part)
    return Surface(tuple(applied), tuple(sorted(ignored)))


def is_control_path(path: str) -> bool:
    """Whether a path by its name alone belongs to the tests or to what steers them."""
    if is_test_path(path):
        return True
    parts = path.split("/")
    if parts[-1].lower() in _FILES:
        return True
    return any(
        part.lower() in _FOLDERS or part.lower().endswith(_SUFFIXES) or part.split(".")[0] in _MODULES
        for part in parts
    )


def _is_kept(path: str, is_link: Callable[[str], bool], places: frozenset[str]) -> bool:
    """Whether ``path`` stays as the base commit, or the hidden tests, have it."""
    parts = path.split("/")
    above = ["/".join(parts[:length]) for length in range(1, len(parts) + 1)]
    if is_control_path(path) or any(is_link(prefix) for prefix in above):
        return True
    return not places.isdisjoint(above) or any(place.startswith(path + "/") for place in places)
