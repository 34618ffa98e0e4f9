"""The `.git` of an environment: the base's past, whole and alone, however untidy the repository is that it comes from."""

import subprocess
from pathlib import Path
from random import Random

import pytest
from tests.building.workbench import DAY, SPRING, git
from tests.building.workbench import History as Written

from r2egym.building.census import take_census
from r2egym.building.files import Files
from r2egym.building.history import Histories
from r2egym.building.layers import LayerStore
from r2egym.building.objects import Objects
from r2egym.building.trees import unpack_tree


def tree_of(store: LayerStore, git_dir: Path, commit: str) -> Path:
    """The commit's files as a layer."""
    objects = Objects(git_dir)
    tree = objects.root(commit)
    return store.layer("trees", tree, lambda folder: unpack_tree(objects, tree, folder, store))


def made(store: LayerStore, git_dir: Path, base: str, kind: str = "past") -> Path:
    """The ``.git`` of a base commit."""
    assert kind in {"past", "none"}
    tree = tree_of(store, git_dir, base)
    histories = Histories(git_dir, store)
    return histories.layer(base, tree, "past" if kind == "past" else "none") / ".git"


def objects_in(git_dir: Path) -> set[str]:
    """Ids of all objects in a git directory."""
    listed = git(git_dir, "cat-file", "--batch-all-objects", "--batch-check=%(objectname)")
    return set(listed.split())


def reached_from(git_dir: Path, commit: str) -> set[str]:
    """Ids of all objects that a commit reaches."""
    return set(git(git_dir, "rev-list", "--objects", "--no-object-names", commit).split())


def status(git_dir: Path, tree: Path) -> str:
    """What `git status` says of a tree layer."""
    return git(
        tree,
        "--git-dir",
        str(git_dir),
        "--work-tree",
        str(tree),
        "status",
        "--porcelain",
        GIT_OPTIONAL_LOCKS="0",
    )


@pytest.fixture
def untidy(history: Written) -> tuple[Path, str]:
    """A work tree in which all that may tell of the future lies about, and a commit of its past."""
    history.grow(12)
    base = history.commits[8]
    work = history.folder.with_name("work")
    donor = history.folder
    git(donor.parent, "clone", "-q", "--shared", str(donor), str(work))  # its objects come by alternates
    (work / "changing.txt").write_text("stashed\n")
    git(work, "stash")
    (work / "changing.txt").write_text("amended away\n")
    git(work, "commit", "-qam", "Left in the reflog")
    git(work, "reset", "-q", "--hard", "HEAD~1")
    git(work, "notes", "add", "-m", "fixed by the next one", base)
    git(work, "replace", base, history.commits[10])
    git(work, "hash-object", "-w", "--stdin", stdin=b"reached by nothing")
    git(work, "branch", "future", history.commits[10])
    git(work, "repack", "-q")
    return work / ".git", base


def test_exactly_what_the_base_reaches(store: LayerStore, untidy: tuple[Path, str]) -> None:
    """All objects that the base reaches are there and no other, whatever else the repository holds."""
    source, base = untidy
    layer = made(store, source, base)
    assert objects_in(layer) == reached_from(layer, base)
    assert reached_from(layer, base) == set(
        git(source, "--no-replace-objects", "rev-list", "--objects", "--no-object-names", base).split()
    )
    assert take_census(layer, base) == {"objects": len(objects_in(layer)), "foreign": 0}
    git(layer, "fsck", "--full", "--strict")


def test_nothing_leads_elsewhere(store: LayerStore, untidy: tuple[Path, str]) -> None:
    """There is no reflog, remote, stash, note, replacement, alternate or loose object; one branch, and HEAD on it."""
    source, base = untidy
    layer = made(store, source, base)
    assert git(layer, "for-each-ref", "--format=%(refname) %(objectname)") == f"refs/heads/main {base}"
    assert git(layer, "symbolic-ref", "HEAD") == "refs/heads/main"
    assert git(layer, "remote") == ""
    assert sorted(path.name for path in layer.iterdir()) == [
        "HEAD", "config", "index", "info", "objects", "refs",
    ]  # fmt: skip
    assert sorted(path.name for path in (layer / "objects").iterdir()) == ["info", "pack"]
    assert list((layer / "objects/info").iterdir()) == []


def test_clean_and_with_a_past(store: LayerStore, untidy: tuple[Path, str]) -> None:
    """`git status` finds nothing to tell, `git log` tells the past, and blame and diff of it work."""
    source, base = untidy
    layer, tree = made(store, source, base), tree_of(store, source, base)
    assert status(layer, tree) == ""
    assert len(git(layer, "log", "--format=%H").splitlines()) == 9
    assert "kept/8.txt" in git(layer, "diff", "--name-only", "HEAD~1", "HEAD")


def test_one_commit(store: LayerStore, untidy: tuple[Path, str]) -> None:
    """Without history there is one commit, with the base's tree, author, dates and message, and no parent."""
    source, base = untidy
    layer = made(store, source, base, "none")
    form = "--format=%T%n%an%n%at%n%ct%n%B%n%P"
    (one,) = git(layer, "log", "--format=%H").splitlines()
    there = git(source, "--no-replace-objects", "log", "-1", form.removesuffix("%n%P"), base)
    assert git(layer, "log", form).strip() == there
    assert objects_in(layer) == reached_from(layer, one)
    assert take_census(layer, one)["foreign"] == 0
    assert status(layer, tree_of(store, source, base)) == ""


def test_tags_of_the_past_only(store: LayerStore, history: Written) -> None:
    """Tags on the base's past are kept; those on later commits, put there later, or on other things are not."""
    history.grow(6)
    source, base = history.folder, history.commits[3]

    def tag(name: str, target: str, moment: int) -> None:
        git(source, "tag", "-am", name, name, target, GIT_COMMITTER_DATE=f"{moment} +0000")

    tag("v1", history.commits[1], SPRING + DAY)
    git(source, "tag", "light", history.commits[2])
    tag("v2-future", history.commits[5], SPRING + 5 * DAY)
    git(source, "tag", "light-future", history.commits[5])
    tag("told-later", history.commits[1], SPRING + 9 * DAY)
    tag("of-a-tag", "v1", SPRING + DAY)
    git(source, "tag", "of-a-file", f"{base}:changing.txt")
    layer = made(store, source, base)
    assert git(layer, "tag", "--list").split() == ["light", "v1"]
    assert git(layer, "describe", base).startswith("v1-2-")
    assert git(layer, "rev-parse", "v1^{commit}") == history.commits[1]
    assert take_census(layer, base)["foreign"] == 0
    git(layer, "fsck", "--full", "--strict")


def test_merges_and_twins(store: LayerStore, history: Written) -> None:
    """Whatever shape a history has, an environment holds what its base reaches: no more, no less."""
    random = Random(20)
    for number in range(40):
        parents = random.sample(
            history.commits[-6:], min(len(history.commits), random.choice([1, 1, 1, 2, 3]))
        )
        files = {f"{random.randrange(9)}.txt": f"{random.randrange(5)}" for _ in range(4)}
        history.commit(files, parents=parents, moment=SPRING + number * 60)
    histories = Histories(history.folder, store)
    for base in (history.commits[0], *random.sample(history.commits, 5), history.commits[-1]):
        layer = histories.layer(base, tree_of(store, history.folder, base), "past") / ".git"
        assert objects_in(layer) == reached_from(history.folder, base)
        assert take_census(layer, base)["foreign"] == 0


def test_past_is_shared(store: LayerStore, history: Written) -> None:
    """Environments of one history have their common past on the disk once."""
    history.grow(21)
    packs = [
        {path.stat().st_ino: path.stat().st_size for path in (made(store, history.folder, base) / "objects/pack").glob("*.pack")}
        for base in (history.commits[18], history.commits[20])
    ]  # fmt: skip
    shared = packs[0].keys() & packs[1].keys()
    assert len(shared) == 2  # of eight commits each
    assert all(len(found) == 3 for found in packs)


def test_equal_histories_are_one_layer(store: LayerStore, history: Written) -> None:
    """The same base from another clone is the same layer; a tag more in its past makes it another."""
    history.grow(3)
    base = history.commits[1]
    clone = history.folder.with_name("clone.git")
    git(history.folder.parent, "clone", "-q", "--bare", str(history.folder), str(clone))
    first = made(store, history.folder, base)
    assert made(store, clone, base) == first
    git(clone, "tag", "v1", history.commits[0])
    assert made(store, clone, base) != first


def test_shallow_source(store: LayerStore, history: Written) -> None:
    """A past that is cut where it comes from is cut in the environment at the same place, and git knows it."""
    history.grow(6)
    clone = history.folder.with_name("clone")
    git(history.folder.parent, "clone", "-q", "--depth", "4", f"file://{history.folder}", str(clone))
    base = history.commits[4]
    layer = made(store, clone / ".git", base)
    assert len(git(layer, "log", "--format=%H").splitlines()) == 3
    assert take_census(layer, base)["foreign"] == 0
    assert status(layer, tree_of(store, clone / ".git", base)) == ""


def test_linked_work_tree(store: LayerStore, history: Written) -> None:
    """A work tree that another repository lent out is as good as that repository."""
    history.grow(2)
    work = history.folder.with_name("lent")
    git(history.folder, "worktree", "add", "-q", "--detach", str(work), history.commits[1])
    source = Path((work / ".git").read_text().removeprefix("gitdir: ").strip())
    assert take_census(made(store, source, history.commits[1]), history.commits[1])["foreign"] == 0


def _loose(git_dir: Path) -> None:
    git(git_dir, "hash-object", "-w", "--stdin", stdin=b"from beyond")


def _alternates(git_dir: Path) -> None:
    (git_dir / "objects/info/alternates").write_text("/somewhere/objects\n")


def _reflog(git_dir: Path) -> None:
    (git_dir / "logs").mkdir()


def _remote(git_dir: Path) -> None:
    git(git_dir, "config", "remote.origin.url", "https://example.invalid/")


def _note(git_dir: Path) -> None:
    git(git_dir, "update-ref", "refs/notes/commits", "HEAD")


def _grafts(git_dir: Path) -> None:
    (git_dir / "info/grafts").touch()


@pytest.mark.parametrize("spoil", [_loose, _alternates, _reflog, _remote, _note, _grafts])
def test_census_has_teeth(store: LayerStore, history: Written, tmp_path: Path, spoil: object) -> None:
    """Each thing that could hold or lead to other objects counts as foreign."""
    history.grow(3)
    copy = tmp_path / "copy"
    subprocess.run(["cp", "-r", str(made(store, history.folder, history.commits[1])), str(copy)], check=True)
    assert take_census(copy, history.commits[1])["foreign"] == 0
    assert callable(spoil)
    spoil(copy)
    assert take_census(copy, history.commits[1])["foreign"] > 0


def test_nearest_tag(store: LayerStore, history: Written) -> None:
    """A project that takes its version from tags gets the nearest one; any other does not."""
    history.grow(3)
    git(history.folder, "tag", "v1.2", history.commits[1])
    histories = Histories(history.folder, store)
    versioned = Files.of({"pyproject.toml": 'requires = ["setuptools_scm"]'})
    assert histories.nearest_tag(history.commits[2], versioned) == "1.2"
    assert histories.nearest_tag(history.commits[0], versioned) == ""
    assert histories.nearest_tag(history.commits[2], Files.of({})) == ""
