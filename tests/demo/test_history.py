"""What the history claims to hold is really in it."""

import ast
import re
from datetime import UTC, datetime

import pytest
from tests.demo.plain import git

from r2egym.demo import Demo, Outcome
from r2egym.demo import bundle as bundle_module
from r2egym.demo._history import parse

KINDS = {
    "binary", "binary-feature", "branch", "bug-fix", "chore", "comment-only", "crlf", "crlf-fix", "dependency",
    "docs-only", "docstring-only", "empty", "feature", "feature-without-test", "fix-before-test", "fix-that-breaks",
    "fix-without-test", "flaky", "flaky-only", "import-error", "merge", "mode", "non-utf-8", "non-utf-8-fix",
    "packaging", "parametrised", "python-2", "rename", "rename-with-edits", "root", "submodule", "syntax-error",
    "syntax-repair", "test-after-fix", "unittest", "xfail", "xfail-skip",
}  # fmt: skip


def of_kind(demo: Demo, kind: str) -> list[Outcome]:
    """All commits of a kind, oldest first."""
    return [outcome for outcome in demo.outcomes.values() if outcome.kind == kind]


def status(demo: Demo, commit: str) -> list[tuple[str, ...]]:
    """What a commit does to each path: letter (with similarity, for renames) and paths."""
    out = git(demo, "diff", "--name-status", "-M", f"{commit}^1", commit)
    return [tuple(line.split("\t")) for line in out.decode().splitlines()]


def test_every_commit_has_an_outcome(demo: Demo) -> None:
    """At least forty commits; outcomes and history agree on them, whatever their order."""
    listed = git(demo, "rev-list", "--all").decode().split()
    assert len(listed) >= 40
    assert set(listed) == set(demo.outcomes)
    expected = bundle_module.tomllib.loads(bundle_module._data("outcomes.toml"))["commit"]
    subjects = [entry["subject"] for entry in expected]
    assert len(set(subjects)) == len(subjects) == len(listed)


def test_every_kind_is_there(demo: Demo) -> None:
    """The kinds are those listed here, and a handful of commits become tasks."""
    assert {outcome.kind for outcome in demo.outcomes.values()} == KINDS
    tasks = [outcome for outcome in demo.outcomes.values() if outcome.fate == "task"]
    assert 10 <= len(tasks) <= 16
    assert all(task.fail_to_pass and not task.stage and not task.reason for task in tasks)
    assert sum(bool(task.pass_to_pass) for task in tasks) >= len(tasks) - 2
    others = [outcome for outcome in demo.outcomes.values() if outcome.fate != "task"]
    assert all(other.stage and other.reason and not other.fail_to_pass for other in others)


def test_commits_that_touch_no_code(demo: Demo) -> None:
    """Documents, comments and docstrings: the syntax tree of the source stays what it was, docstrings aside."""
    for kind in ("docs-only", "comment-only", "docstring-only"):
        for outcome in of_kind(demo, kind):
            for letter, path in status(demo, outcome.commit):
                assert letter == "M"
                if path.endswith(".py"):
                    sides = [git(demo, "show", f"{c}:{path}") for c in (f"{outcome.commit}^", outcome.commit)]
                    assert sides[0] != sides[1]
                    assert len({_without_docstrings(side) for side in sides}) == 1
                else:
                    assert path.endswith(".md")


def _without_docstrings(source: bytes) -> str:
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Module) and ast.get_docstring(node):
            node.body = node.body[1:]
    return ast.dump(tree)


def test_renames_with_and_without_edits(demo: Demo) -> None:
    """Some renames keep every byte, one changes the file on the way."""
    for outcome in of_kind(demo, "rename"):
        assert any(entry[0] == "R100" for entry in status(demo, outcome.commit))
    (edited,) = of_kind(demo, "rename-with-edits")
    letters = [entry[0] for entry in status(demo, edited.commit)]
    assert any(re.fullmatch(r"R0\d\d", letter) for letter in letters)


def test_merge_root_and_empty_commit(demo: Demo) -> None:
    """The shapes that a commit may have: two parents, none, and one with nothing changed."""
    (merge,) = of_kind(demo, "merge")
    (root,) = of_kind(demo, "root")
    (empty,) = of_kind(demo, "empty")
    parents = {c: len(git(demo, "rev-list", "--parents", "-1", c).split()) - 1 for c in demo.outcomes}
    assert {commit for commit, number in parents.items() if number != 1} == {merge.commit, root.commit}
    assert (parents[merge.commit], parents[root.commit]) == (2, 0)
    assert status(demo, empty.commit) == []


def test_modes_links_and_submodules(demo: Demo) -> None:
    """An executable file, a symbolic link, a submodule that comes, moves and goes."""
    (mode,) = of_kind(demo, "mode")
    raw = git(demo, "diff", "--raw", f"{mode.commit}^", mode.commit).decode()
    assert ":100644 100755" in raw
    assert " 120000 " in raw
    modes = [git(demo, "ls-tree", o.commit, "fonts").decode()[:6] for o in of_kind(demo, "submodule")]
    assert modes == ["160000", "160000", ""]


def test_binary_files_and_odd_paths(demo: Demo) -> None:
    """Pictures are not text, and a path holds a blank and letters beyond ASCII."""
    for kind in ("binary", "binary-feature"):
        for outcome in of_kind(demo, kind):
            assert "-\t-\t" in git(demo, "diff", "--numstat", f"{outcome.commit}^", outcome.commit).decode()
    names = git(demo, "log", "-z", "--format=", "--name-only").decode().split("\0")
    assert "docs/crème brûlée.md" in names


def test_python_2_and_the_syntax_error_do_not_parse(demo: Demo) -> None:
    """Everything else does: an old tool, and one module for one commit, are all that Python 3 refuses."""
    broken: dict[str, set[str]] = {}
    parses: dict[str, bool] = {}
    for commit in demo.outcomes:
        for line in git(demo, "ls-tree", "-r", commit).decode().splitlines():
            (_, _, blob), path = line.partition("\t")[0].split(), line.partition("\t")[2]
            if not path.endswith(".py"):
                continue
            if blob not in parses:
                parses[blob] = is_python(git(demo, "cat-file", "blob", blob))
            if not parses[blob]:
                broken.setdefault(path, set()).add(commit)
    (error,) = of_kind(demo, "syntax-error")
    first, last = of_kind(demo, "python-2")
    assert broken.pop("larder/recipes.py") == {error.commit}
    tools = set().union(*broken.values())
    assert set(broken) == {"tools/print_labels.py", "tools/printer/print_labels.py"}
    assert first.commit in tools
    assert last.commit not in tools


def is_python(source: bytes) -> bool:
    """Whether Python 3 can parse it."""
    try:
        ast.parse(source)
    except SyntaxError:
        return False
    return True


def test_encodings_and_line_ends(demo: Demo) -> None:
    """Carriage returns, bytes and a message that are not UTF-8, and a file without a newline at its end."""
    (crlf,) = of_kind(demo, "crlf")
    labels = git(demo, "show", f"{crlf.commit}:larder/labels.py")
    assert labels.count(b"\r\n") == labels.count(b"\n") > 0
    (latin,) = of_kind(demo, "non-utf-8")
    with pytest.raises(UnicodeDecodeError):
        git(demo, "show", f"{latin.commit}:larder/menus.py").decode()
    with pytest.raises(UnicodeDecodeError):
        git(demo, "cat-file", "commit", latin.commit).decode()
    assert latin.subject == "Write menus à la carte"
    assert git(demo, "show", "main:VERSION") == b"0.5"


def test_years_people_and_addresses(demo: Demo) -> None:
    """Years go by, people live in several time zones, and every address is in a domain that is nobody's."""
    log = git(demo, "log", "--format=%at %ai %ae %ce").decode().splitlines()
    years = {datetime.fromtimestamp(int(line.split()[0]), UTC).year for line in log}
    assert {2019, 2020, 2021, 2022, 2023, 2024} <= years
    assert len({line.split()[3] for line in log}) >= 4
    text = bundle_module._data("history.txt")
    people = re.findall(r"^(?:author|committer) .* <(.*)> \d+ [+-]\d{4}$", text, re.MULTILINE)
    assert len(people) == 2 * len(demo.outcomes)
    assert all(address.endswith("@larder.example") for address in people)
    assert set(re.findall(r"https?://([^/\s]+)", text)) == {"git.larder.example"}


def test_text_is_plain_text() -> None:
    """The history can be read and reviewed: UTF-8, no carriage returns, no control characters."""
    text = bundle_module._data("history.txt")
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", text)
    assert all(commit.header("author") and commit.subject for commit in parse(text))
