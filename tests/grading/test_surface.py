"""Which parts of a patch are applied."""

from __future__ import annotations

import pytest

from r2egym.grading import (
    divide,
    is_control_path,
    parse_summary,
    published_name,
    published_reward,
    published_statuses,
)
from r2egym.mining import parse_patch
from r2egym.records import TestStatus


def _added(path: str, mode: str = "100644") -> str:
    return f"diff --git a/{path} b/{path}\nnew file mode {mode}\n--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+x\n"


@pytest.mark.parametrize(
    "path",
    [
        "conftest.py", "deep/er/conftest.py", "conftest/__init__.py", "pytest.ini", ".pytest.ini", "tox.ini", "sub/pytest.toml",
        "sitecustomize.py", "src/usercustomize.py", "sitecustomize/__init__.py", "evil.pth", "x.egg-info/entry_points.txt",
        "x-1.0.dist-info/METADATA", ".git/config", "sub/.GIT/hooks/pre-commit", ".venv/bin/python", "__pycache__/a.pyc", "a.pyc",
        "tests/test_x.py", "test_x.py", "pkg/tests/data.json", ".gitmodules", "conftest.cpython-311-x86_64-linux-gnu.so",
    ],
)  # fmt: skip
def test_what_steers_tests_is_left_out(path: str) -> None:
    """Tests and control files are named in ``ignored``, wherever they lie."""
    assert is_control_path(path)
    found = divide(parse_patch(_added(path)), is_link=lambda _: False)
    assert (found.applied, found.ignored) == ((), (path,))


@pytest.mark.parametrize(
    "path",
    ["pkg/a.py", "setup.py", "setup.cfg", "pyproject.toml", "README", "pkg/testing/__init__.py", "pkg/pytest_plugin.py", "contest.py", "latest.py", ".github/x.yml"],
)  # fmt: skip
def test_source_is_applied(path: str) -> None:
    """Source, and files that are source and configuration at once, are applied."""
    found = divide(parse_patch(_added(path)), is_link=lambda _: False)
    assert len(found.applied) == 1
    assert found.ignored == ()


def test_links_are_left_out() -> None:
    """New links, submodules, and paths through links of the base commit."""
    patch = _added("a", "120000") + _added("b", "160000") + _added("link/c.py") + _added("d.py")
    found = divide(parse_patch(patch), is_link={"link"}.__contains__)
    assert found.ignored == ("a", "b", "link/c.py")
    assert [part.path for part in found.applied] == ["d.py"]


def test_the_graders_places_are_left_alone() -> None:
    """A patch writes neither a hidden file, nor below it, nor in place of its folder."""
    patch = (
        _added("checks/data.txt") + _added("checks/data.txt.py/x") + _added("checks2") + _added("other.py")
    )
    found = divide(
        parse_patch(patch),
        is_link=lambda _: False,
        hidden=["checks/data.txt", "checks/data.txt.py", "checks2/a"],
    )
    assert found.ignored == ("checks/data.txt", "checks/data.txt.py/x", "checks2")


@pytest.mark.parametrize(("old", "new"), [("tests/a.py", "pkg/a.py"), ("pkg/a.py", "conftest.py")])
def test_a_move_out_of_or_into_the_tests_is_left_out(old: str, new: str) -> None:
    """Both ends of a rename must be source; a copy only writes its new end."""
    body = f"diff --git a/{old} b/{new}\nsimilarity index 100%\nrename from {old}\nrename to {new}\n"
    assert divide(parse_patch(body), is_link=lambda _: False).ignored == tuple(sorted((old, new)))
    copied = divide(parse_patch(body.replace("rename", "copy")), is_link=lambda _: False)
    assert bool(copied.applied) == (new == "pkg/a.py")


def test_the_published_rule_is_repaired() -> None:
    """Maps of one size with other keys are unequal, and two empty maps are no success."""
    passed, failed = TestStatus.PASSED, TestStatus.FAILED
    assert published_reward({"a": passed}, {"a": passed}) == 1
    assert published_reward({"a": passed}, {"b": passed}) == 0
    assert published_reward({"a": passed}, {"a": failed}) == 0
    assert published_reward({}, {}) == 0


def test_published_names_have_no_file() -> None:
    """Class and name are joined by a dot; parameters keep what they hold; the worst of a name counts."""
    assert published_name("t/test_a.py::A::test_x[a::b - c]") == "A.test_x[a::b - c]"
    both = {
        "a.py::test_x": TestStatus.PASSED,
        "b.py::test_x": TestStatus.FAILED,
        "a.py::test_y": TestStatus.PASSED,
    }
    assert published_statuses(both) == {"test_x": TestStatus.FAILED, "test_y": TestStatus.PASSED}


def test_a_summary_is_read_as_printed() -> None:
    """Colours, dashes in names, XFAIL, and words that only look like a status."""
    log = (
        "tests/a.py::test_noise PASSED\nPASSED away::long ago\n"
        "=========== short test summary info ============\n"
        "\x1b[32;1mPASSED\x1b[0m tests/a.py::test_x[a - b]\n"
        "\x1b[31mFAILED\x1b[0m tests/a.py::A::\x1b[1mtest_y\x1b[0m - assert 1 == 2 - no\n"
        "XFAIL tests/a.py::test_z\nXPASS tests/a.py::test_w always\nERROR tests/a.py::test_e - PASSED away\n"
        "SKIPPED [1] tests/a.py:3: no\n"
    )
    found = parse_summary(log)
    assert found["tests/a.py::test_x[a - b]"] == "PASSED"
    assert found["tests/a.py::A::test_y"] == "FAILED"
    assert found["tests/a.py::test_z"] == "XFAIL"
    assert found["tests/a.py::test_e"] == "ERROR"
    assert not any("ago" in test for test in found)
