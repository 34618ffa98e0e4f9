"""Trees on disk: what git would check out, by our own hands, with nothing of the repository having a say."""

import os
import stat
from pathlib import Path

import pytest
from tests.building.workbench import History, git

from r2egym.building.git_index import write_index
from r2egym.building.layers import LayerStore
from r2egym.building.objects import Objects
from r2egym.building.trees import unpack_tree
from r2egym.errors import RepositoryError, TaskError

BYTES = b"caf\xe9.txt"


@pytest.fixture
def odd(history: History) -> History:
    """A commit with everything that a tree can hold."""
    history.commit(
        {
            "plain.txt": "one\r\ntwo\n",
            "program": "#!/bin/sh\n",
            "outside": "/etc/passwd",
            "folder/inside": "../plain.txt",
            "library": "1" * 40,
            os.fsdecode(BYTES): "bytes",
            'na"me\t\n': "spaces",
            "ünïcode/ﬁle": "letters",
            ".gitattributes": "*.txt text eol=lf filter=evil\n",
            "empty": "",
        },
        modes={"program": "100755", "outside": "120000", "folder/inside": "120000", "library": "160000"},
    )
    return history


def unpacked(store: LayerStore, history: History, commit: str) -> Path:
    """The layer of a commit's tree."""
    objects = Objects(history.folder)
    tree = objects.root(commit)
    return store.layer("trees", tree, lambda folder: unpack_tree(objects, tree, folder, store))


def test_everything_comes_out_right(store: LayerStore, odd: History) -> None:
    """Bytes are untouched by attributes, links stay links, programs run, names are bytes, a submodule is an empty folder."""
    layer = unpacked(store, odd, odd.commits[0])
    assert (layer / "plain.txt").read_bytes() == b"one\r\ntwo\n"
    assert stat.S_IMODE((layer / "program").stat().st_mode) == 0o755
    assert stat.S_IMODE((layer / "plain.txt").stat().st_mode) == 0o644
    assert (layer / "outside").readlink() == Path("/etc/passwd")
    assert (layer / "folder/inside").readlink() == Path("../plain.txt")
    assert list((layer / "library").iterdir()) == []
    names = {os.fsencode(path.name) for path in layer.iterdir()}
    assert BYTES in names
    assert b'na"me\t\n' in names
    assert (layer / "ünïcode/ﬁle").read_text() == "letters"


def test_git_calls_it_clean(store: LayerStore, odd: History, tmp_path: Path) -> None:
    """An index of ours makes git find every one of these unchanged, and see a change when there is one."""
    layer = unpacked(store, odd, odd.commits[0])
    objects = Objects(odd.folder)
    git(odd.folder, "config", "core.bare", "false")
    git(odd.folder, "config", "core.checkStat", "minimal")
    write_index(objects, objects.root(odd.commits[0]), layer, odd.folder / "index")
    words = ["--git-dir", str(odd.folder), "--work-tree", str(layer), "status", "--porcelain"]
    assert git(layer, *words, GIT_OPTIONAL_LOCKS="0") == ""
    (layer / "empty").unlink()
    (layer / "empty").write_text("changed")
    assert git(layer, *words, GIT_OPTIONAL_LOCKS="0") == "M empty"


def test_trees_share_files(store: LayerStore, history: History) -> None:
    """Trees that have a file in common have it on the disk once."""
    history.grow(2)
    first, second = (unpacked(store, history, commit) for commit in history.commits)
    assert (first / "kept/0.txt").stat().st_ino == (second / "kept/0.txt").stat().st_ino
    assert (first / "changing.txt").stat().st_ino != (second / "changing.txt").stat().st_ino


def raw_tree(history: History, *entries: tuple[bytes, bytes, bytes]) -> str:
    """A tree object with whatever entries: mode, name, contents."""
    listed = b""
    for mode, name, content in entries:
        if mode == b"40000":
            oid = content.decode()
        else:
            oid = git(history.folder, "hash-object", "-w", "--stdin", stdin=content)
        listed += mode + b" " + name + b"\0" + bytes.fromhex(oid)
    return git(history.folder, "hash-object", "-w", "-t", "tree", "--literally", "--stdin", stdin=listed)


@pytest.mark.parametrize(
    "name",
    [b"..", b".", b".git", b".GIT", b"a/b", b"/etc/passwd", b"", b"x" * 300],
    ids=lambda name: repr(name[:20]),
)
def test_names_no_checkout_has(store: LayerStore, history: History, name: bytes) -> None:
    """A tree that would write elsewhere, into `.git`, or what no disk can hold, is refused in one line."""
    tree = raw_tree(history, (b"100644", name, b"evil"))
    with pytest.raises(RepositoryError, match=tree):
        store.layer("trees", tree, lambda folder: unpack_tree(Objects(history.folder), tree, folder, store))
    assert store.existing("trees", tree) is None


def test_through_its_own_link(store: LayerStore, history: History, tmp_path: Path) -> None:
    """A link and a folder of one name do not make us write where the link points."""
    inner = raw_tree(history, (b"100644", b"written", b"evil"))
    tree = raw_tree(history, (b"120000", b"a", str(tmp_path).encode()), (b"40000", b"a", inner.encode()))
    with pytest.raises(RepositoryError, match="cannot be unpacked"):
        store.layer("trees", tree, lambda folder: unpack_tree(Objects(history.folder), tree, folder, store))
    assert not (tmp_path / "written").exists()


@pytest.mark.parametrize("target", [b"", b"a\0b"], ids=repr)
def test_links_no_disk_has(store: LayerStore, history: History, target: bytes) -> None:
    """A link whose target cannot be one is the repository's fault, and said so."""
    tree = raw_tree(history, (b"120000", b"link", target))
    with pytest.raises(RepositoryError, match="cannot be unpacked"):
        store.layer("trees", tree, lambda folder: unpack_tree(Objects(history.folder), tree, folder, store))


def test_bottomless(store: LayerStore, history: History) -> None:
    """Folders nested beyond reason are refused before the disk's or the language's own limits are met."""
    tree = raw_tree(history, (b"100644", b"bottom", b"x"))
    for _ in range(250):
        tree = raw_tree(history, (b"40000", b"d", tree.encode()))
    with pytest.raises(RepositoryError, match="nests more than"):
        store.layer("trees", tree, lambda folder: unpack_tree(Objects(history.folder), tree, folder, store))


def test_missing_object(store: LayerStore, history: History) -> None:
    """A repository that lacks an object is named with it, and no layer remains."""
    history.grow(1)
    lacking = "1" * 40
    with pytest.raises(TaskError, match=lacking):
        store.layer(
            "trees", lacking, lambda folder: unpack_tree(Objects(history.folder), lacking, folder, store)
        )
    assert store.existing("trees", lacking) is None
