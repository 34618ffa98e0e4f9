"""Editing git trees without an index: the same trees as git's own."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from r2egym.building.objects import Objects
from r2egym.building.trees import Change, edited_tree, write_object
from r2egym.errors import RepositoryError
from r2egym.mining.plumbing import empty_git_dir, run_git

NAMES = st.sampled_from(["a", "a.b", "a-b", "b", "ab", "z"])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
MODES = st.sampled_from([0o100644, 0o100755])


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty git directory."""
    return empty_git_dir(tmp_path_factory.mktemp("trees") / "git")


def by_git(store: Path, tree: str, changes: dict[bytes, Change], index: Path) -> str:
    """The same edit through git's index: what goes first."""
    env = {"GIT_INDEX_FILE": str(index)}
    gone = [path for path, change in changes.items() if change is None]
    lines = [b"0 %s\t%s\0" % (b"0" * 40, path) for path in gone]
    lines += [b"%06o %s\t%s\0" % (c[0], c[1].encode(), path) for path, c in changes.items() if c is not None]
    run_git(["read-tree", tree], git_dir=store, env=env)
    run_git(
        ["update-index", "--replace", "-z", "--index-info"], git_dir=store, env=env, stdin=b"".join(lines)
    )
    return run_git(["write-tree"], git_dir=store, env=env).decode().strip()


def without_clashes(paths: list[str]) -> list[str]:
    """Paths of which none is the folder of another, as a tree has them."""
    return [path for path in paths if not any(other.startswith(f"{path}/") for other in paths)]


@settings(max_examples=40, deadline=None)
@given(
    first=st.lists(PATHS, unique=True, max_size=8),
    second=st.lists(PATHS, unique=True, max_size=6),
    gone=st.lists(st.booleans(), min_size=14, max_size=14),
    mode=MODES,
)
def test_the_tree_is_gits(
    store: Path,
    tmp_path_factory: pytest.TempPathFactory,
    first: list[str],
    second: list[str],
    gone: list[bool],
    mode: int,
):
    """Files added, replaced and deleted, folders in place of files and the other way round: the ids agree."""
    objects = store / "objects"
    blob = write_object("blob", b"jam\n", objects)
    empty = write_object("tree", b"", objects)
    base = edited_tree(
        Objects(store), empty, {path.encode(): (mode, blob) for path in without_clashes(first)}, objects
    )
    paths = without_clashes(second)
    changes: dict[bytes, Change] = {
        path.encode(): None if out else (0o100644, blob) for path, out in zip(paths, gone, strict=False)
    }
    changes |= {
        path.encode(): None for path, out in zip(first, gone[6:], strict=False) if out and path not in paths
    }
    folder = tmp_path_factory.mktemp("index")
    assert edited_tree(Objects(store), base, changes, objects) == by_git(
        store, base, changes, folder / "index"
    )


def test_objects_are_whole(store: Path):
    """Git finds nothing wrong with what was written."""
    blob = write_object("blob", b"plum\n", store / "objects")
    tree = edited_tree(Objects(store), "", {b"deep/er/file": (0o100755, blob)}, store / "objects")
    subprocess.run(["git", "--git-dir", store, "fsck", "--strict", tree], check=True, capture_output=True)


def test_a_tree_that_is_not_there_is_told(store: Path):
    """A damaged repository is no empty one."""
    with pytest.raises(RepositoryError):
        edited_tree(Objects(store), "1" * 40, {b"a": None}, store / "objects")
