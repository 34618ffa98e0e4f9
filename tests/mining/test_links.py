"""A fix and its tests in two commits become one candidate."""

import sys
from pathlib import Path

import pytest
from tests.mining.repositories import commit, git

from r2egym.curation.select_tests import select_tests
from r2egym.mining import (
    Candidate,
    MiningConfig,
    Repository,
    mine,
    parsed_commit_content,
    rebuild_diff,
    split_patch,
)
from r2egym.mining.links import Step, followed

BASE = {
    "pkg/jars.py": "def seal():\n    return 1\n",
    "tests/test_all.py": "def test_x():\n    pass\n",
    "README": "a\n",
}
FIX = {"pkg/jars.py": "def seal():\n    return 2\n"}
TESTS = {"tests/test_all.py": "def test_x():\n    pass\n\n\ndef test_y():\n    assert seal() == 2\n"}
DOCS = {"README": "b\n"}
OTHER_TESTS = {"tests/test_other.py": "def test_z():\n    assert lid()\n"}


def history(root: Path, *changes: dict[str, str | bytes | None]) -> list[str]:
    """Commits on ``main``, one a day."""
    return [commit(root, change, day=day) for day, change in enumerate(changes, start=1)]


def outcomes(root: Path, **thresholds: object) -> dict[str, str | None]:
    """Commit → where its tests come from (None: itself), or the reason against it."""
    return {
        one.commit.hash if isinstance(one, Candidate) else one.commit: one.tests_commit
        if isinstance(one, Candidate)
        else one.reason
        for one in mine(Repository(root), MiningConfig(**thresholds))
    }


def test_a_fix_is_judged_by_tests_that_came_later(tmp_path: Path):
    """The fix becomes the candidate, against its own parent; the commit of the tests stays what it was."""
    base, fix, docs, tests = history(tmp_path / "r", BASE, FIX, DOCS, TESTS)
    repository = Repository(tmp_path / "r")
    found = {one.commit.hash: one for one in mine(repository, MiningConfig()) if isinstance(one, Candidate)}
    assert list(found) == [fix]
    assert (found[fix].base, found[fix].tests_commit, found[fix].judge) == (base, tests, tests)
    assert [file.path for file in found[fix].files] == ["pkg/jars.py", "tests/test_all.py"]
    assert found[fix].num_non_test_lines == 2
    assert outcomes(tmp_path / "r")[tests] == outcomes(tmp_path / "r")[docs] == "no-source"


def test_patches_and_hidden_tests_come_from_both(tmp_path: Path):
    """The gold patch is the fix, the test patch what came later; both apply to the base, and docs in between stay out."""
    root = tmp_path / "r"
    base, fix, _, tests = history(root, BASE, FIX, DOCS, TESTS)
    repository = Repository(root)
    (candidate,) = (one for one in mine(repository, MiningConfig()) if isinstance(one, Candidate))
    patches = split_patch(repository, candidate)
    content = parsed_commit_content(repository, candidate)
    assert patches.source + patches.tests == rebuild_diff(content)
    assert (content["old_commit_hash"], content["new_commit_hash"]) == (base, fix)
    git(root, "checkout", "-q", base)
    git(root, "apply", "-", stdin=(patches.source + patches.tests).encode())
    assert (root / "pkg/jars.py").read_text() == FIX["pkg/jars.py"]
    assert (root / "tests/test_all.py").read_text() == TESTS["tests/test_all.py"]
    assert (root / "README").read_text() == "a\n"
    hidden = select_tests(repository, base, candidate.judge)
    assert [(file.path, file.content) for file in hidden.files] == list(TESTS.items())
    assert candidate.judge == tests


@pytest.mark.parametrize(
    ("changes", "linked"),
    [
        ((FIX, TESTS), True),
        ((FIX, DOCS, DOCS, TESTS), True),
        ((FIX, DOCS, DOCS, DOCS, TESTS), False),  # too far
        ((FIX, {"pkg/lids.py": "x = 1\n"}, TESTS), False),  # other source in between is what they test
        ((FIX, {"pkg/lids.py": "x = 1\n", **OTHER_TESTS}, TESTS), False),
        ((FIX, {**TESTS, **DOCS}), False),  # not tests alone
        ((FIX, {"tests/data.txt": "seal\n"}), False),  # no Python among them
        ((FIX, OTHER_TESTS), False),  # about something else
        ((FIX, OTHER_TESTS, TESTS), True),  # … but the next are about it
        ((FIX, {"tests/test_jars.py": "def test():\n    pass\n"}), True),  # called after the module
        ((FIX, {"tests/test_other.py": "from pkg import jars\n"}), True),  # names the module
        ((FIX, {"tests/test_all.py": None}), False),  # tests that are gone judge nothing
        (({**FIX, **OTHER_TESTS}, TESTS), False),  # has tests of its own
    ],
)
def test_what_is_linked(tmp_path: Path, changes: tuple[dict[str, str | None], ...], *, linked: bool):
    """Near, with nothing in between that could be meant instead, and about the fix."""
    names = history(tmp_path / "r", BASE, *changes)
    found = outcomes(tmp_path / "r")
    fix = found[names[1]]
    assert fix == (names[-1] if linked else None if len(changes[0]) > 1 else "no-tests")
    assert len(found) == len(names)


def test_the_nearest_tests_are_taken(tmp_path: Path):
    """Of two commits that test a fix, the first counts; of two fixes, the second is what is tested."""
    more = {"tests/test_more.py": "def test_more():\n    assert seal()\n"}
    again = {"pkg/jars.py": "def seal():\n    return 3\n"}
    names = history(tmp_path / "r", BASE, FIX, again, TESTS, more)
    found = outcomes(tmp_path / "r")
    assert [found[name] for name in names] == ["root", "no-tests", names[3], "no-source", "no-source"]


def test_links_can_be_turned_off(tmp_path: Path):
    """``link=0``, and the presets of others' pipelines, judge each commit alone."""
    names = history(tmp_path / "r", BASE, FIX, DOCS, TESTS)
    assert outcomes(tmp_path / "r", link=0)[names[1]] == "no-tests"
    assert outcomes(tmp_path / "r", link=1)[names[1]] == "no-tests"
    assert outcomes(tmp_path / "r", link=2)[names[1]] == names[3]
    assert outcomes(tmp_path / "r", until="2020-01-03")[names[1]] == "no-tests"
    assert {MiningConfig.preset(name).link for name in ("paper", "published")} == {0}


def test_without_the_need_for_tests_a_fix_stays_a_candidate(tmp_path: Path):
    """With ``needs-tests=no`` tests are looked for all the same, and not finding any is no reason."""
    names = history(tmp_path / "r", BASE, FIX, OTHER_TESTS, {"pkg/jars.py": "x = 1\n"}, DOCS)
    found = outcomes(tmp_path / "r", needs_tests=False)
    assert [found[name] for name in names] == ["root", None, "no-source", None, "no-source"]


def test_thresholds_see_both_sides(tmp_path: Path):
    """Entities of tests that came later count for thresholds on tests, and their languages for those on languages."""
    names = history(tmp_path / "r", BASE, FIX, TESTS)
    assert outcomes(tmp_path / "r", test_match=True)[names[1]] == names[2]
    assert outcomes(tmp_path / "r", max_patch_length=300)[names[1]] == "long-patch"
    commit(tmp_path / "s", BASE)
    fix = commit(tmp_path / "s", FIX, day=2)
    commit(tmp_path / "s", {**TESTS, "tests/x.js": "1\n"}, day=3)
    assert outcomes(tmp_path / "s", only_python=True)[fix] == "no-tests"


def test_links_follow_first_parents(tmp_path: Path):
    """Tests on a branch belong to the fix on that branch; what a merge brought is judged as the merge's own."""
    root = tmp_path / "r"
    commit(root, BASE, day=1)
    git(root, "checkout", "-q", "-b", "side")
    fix = commit(root, FIX, day=2)
    tests = commit(root, TESTS, day=4)
    git(root, "checkout", "-q", "main")
    other = commit(root, {"pkg/lids.py": "def lid():\n    pass\n"}, day=3)
    git(root, "merge", "-q", "--no-ff", "-m", "Merge", "side", day=5)
    found = outcomes(root)
    assert (found[fix], found[other]) == (tests, "no-tests")
    assert next(iter(found.values())) is None  # the merge holds both


def test_more_processes_link_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A fix and its tests may lie in different shares of the work, and many commits of other branches between them."""
    root = tmp_path / "r"
    commit(root, BASE, day=1)
    fix = commit(root, FIX, day=2)
    git(root, "checkout", "-q", "-b", "side")
    for number in range(4):
        commit(root, {"pkg/side.py": f"x = {number}\n"}, day=3)
    git(root, "checkout", "-q", "main")
    tests = commit(root, TESTS, day=4)
    git(root, "merge", "-q", "--no-ff", "-m", "Merge", "side", day=5)
    monkeypatch.setattr(sys.modules["r2egym.mining.mine"], "_SHARE", 2)
    repository = Repository(root)
    alone = list(mine(repository, MiningConfig()))
    assert list(mine(repository, MiningConfig(), jobs=2)) == alone
    assert outcomes(root)[fix] == tests


def test_the_way_to_a_follower_is_told():
    """Every commit knows who follows it, the nearest first, and nobody is kept who is out of reach."""
    lines = [("e", "d"), ("x", "c"), ("d", "c"), ("c", "b"), ("b", "a"), ("a", None)]
    steps = {step.commit: step.followers for step in followed(lines, 2)}
    assert steps == {
        "e": (),
        "x": (),
        "d": (("e",),),
        "c": (("x",), ("d",), ("d", "e")),
        "b": (("c",), ("c", "x"), ("c", "d")),
        "a": (("b",), ("b", "c")),
    }
    assert list(followed(lines[:1], 0)) == [Step("e")]
