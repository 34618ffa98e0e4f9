"""Every reason to turn a commit away, on real commits."""

from pathlib import Path

import pytest
from tests.mining.repositories import commit

from r2egym.errors import UsageError
from r2egym.mining import PRESETS, Candidate, MiningConfig, Repository, mine

BASE = {
    "a.py": "X = 1\n\n\ndef f():\n    return 1\n\n\ndef g():\n    return 1\n\n\nclass C:\n    def m(self):\n        return 1\n",
    "test_a.py": "def test_f():\n    pass\n",
    "lib.c": "int x;\n",
    "README": "old\n",
}
TEST = {"test_a.py": "def test_f():\n    assert f() == 2\n"}


def edit(old: str, new: str) -> dict[str, str]:
    """The source with one change, and a test."""
    assert old in BASE["a.py"]
    return {"a.py": BASE["a.py"].replace(old, new), **TEST}


FIX = edit("def f():\n    return 1", "def f():\n    return 2")
CASES = [
    ("no-source", {"README": "new\n", **TEST}, {}),
    ("no-source", TEST, {}),
    ("no-tests", {"a.py": FIX["a.py"]}, {}),
    ("candidate", {"a.py": FIX["a.py"]}, {"needs_tests": False}),
    ("no-code-change", {"a.py": edit("X = 1", "X = 2")["a.py"]}, {"needs_tests": False}),
    ("candidate", edit("X = 1", "X = 2"), {"needs_tests": False}),
    ("candidate", FIX, {}),
    ("other-code", {**FIX, "lib.c": "int y;\n"}, {"only_python": True}),
    ("candidate", {**FIX, "README": "new\n"}, {"only_python": True}),
    ("too-many-files", {**FIX, "README": "new\n"}, {"max_files": 1}),
    ("too-many-lines", FIX, {"max_lines": 1}),
    ("candidate", FIX, {"max_lines": 2}),
    ("no-lines", {"b.py": "", **TEST}, {"max_lines": 100}),
    ("long-patch", FIX, {"max_patch_length": 300}),
    ("deleted-entities", edit("def g():\n    return 1\n\n\n", ""), {"max_deleted_entities": 0}),
    ("added-entities", edit("X = 1\n", "X = 1\n\n\ndef new():\n    pass\n"), {"max_added_entities": 0}),
    (
        "edited-entities",
        edit("def m(self):\n        return 1", "def m(self):\n        return 2"),
        {"max_edited_entities": 1},
    ),
    ("no-entity", edit("X = 1", "X = 2"), {"max_edited_entities": 4}),
    ("statements", edit("X = 1", "X = 2"), {"max_statements": 1}),
    ("candidate", edit("X = 1", "X = 2"), {"max_statements": 2}),
    ("no-code-change", edit("X = 1", "X = 2"), {"code_change": True}),
    ("no-code-change", edit("def f():\n", "def f():\n    # why\n"), {"code_change": True}),
    ("no-test-entity", {**FIX, "test_a.py": "X = 1\n" + BASE["test_a.py"]}, {"test_entity_edit": True}),
    ("candidate", FIX, {"test_entity_edit": True}),
    ("candidate", FIX, {"test_match": True}),
    ("no-test-match", {**FIX, "test_a.py": "def test_x():\n    assert h()\n"}, {"test_match": True}),
    ("candidate", {**FIX, "test_a.py": "def test_issue_7():\n    assert h()\n"}, {"test_match": True}),
]


@pytest.mark.parametrize(("expected", "change", "thresholds"), CASES)
def test_reason(tmp_path: Path, expected: str, change: dict[str, str], thresholds: dict[str, object]):
    """Each threshold turns away what is over it, for its own reason, and lets what is at it pass."""
    commit(tmp_path / "r", BASE)
    commit(tmp_path / "r", change, day=2)
    found = next(iter(mine(Repository(tmp_path / "r"), MiningConfig().adjusted(**thresholds))))
    assert (expected if isinstance(found, Candidate) else found.reason) == expected


@pytest.mark.parametrize(
    ("preset", "thresholds"),
    [
        ("paper", (5, 100, 2000, 1, 3, 3, 10)),
        ("published", (4, 199, 9999, 0, 1, 4, 6)),
        ("wide", (None,) * 7),
    ],
)
def test_presets(preset: str, thresholds: tuple[int | None, ...]):
    """The numbers of the paper and of the published code."""
    config = MiningConfig.preset(preset)
    assert preset in PRESETS
    assert (
        config.max_files,
        config.max_lines,
        config.max_patch_length,
        config.max_deleted_entities,
        config.max_added_entities,
        config.max_edited_entities,
        config.max_statements,
    ) == thresholds
    assert config.only_python == config.code_change == (preset != "wide")


def test_nonsense_is_refused():
    """A threshold below what makes sense, or of another kind, is named."""
    with pytest.raises(UsageError, match="max-files"):
        MiningConfig().adjusted(max_files=0)
    with pytest.raises(UsageError, match="max-lines"):
        MiningConfig().adjusted(max_lines="many")
