"""What stands in a Python file, and what a diff touches."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from r2egym.mining.entities import Outline, differs_in_code, touched
from r2egym.mining.patches import read_patch

MODULE = b'''"""A module."""
import os, sys as system
from a import b

LIMIT = 3


@decorated
async def run(x):
    return x


class Jar:
    """A jar."""

    size = 1

    def open(self):
        def inner(): pass
        return inner

    @property
    def full(self):
        return True

if LIMIT: print("hello")
'''


def told(source: bytes) -> list[tuple[str, str, str, int, int]]:
    """Type, name, ast type and lines of everything in a module."""
    return [part[:5] for part in Outline(source).parts]


def patch(before: str, after: str) -> tuple:
    """A whole-file replacement, and outlines of both sides."""
    old, new = before.split("\n")[:-1], after.split("\n")[:-1]
    text = (
        "diff --git a/a.py b/a.py\nindex 1111111..2222222 100644\n--- a/a.py\n+++ b/a.py\n"
        f"@@ -1,{len(old)} +1,{len(new)} @@\n"
        + "".join(f"-{line}\n" for line in old)
        + "".join(f"+{line}\n" for line in new)
    )
    return read_patch(text)[0], Outline(before.encode()), Outline(after.encode())


def test_outline():
    """Top-level functions, classes with their methods, imports, other statements; decorators belong to them."""
    assert told(MODULE) == [
        ("statement", "", "Expr", 1, 1),
        ("import", "os", "Import", 2, 2),
        ("import", "sys", "Import", 2, 2),
        ("statement", "", "ImportFrom", 3, 3),
        ("statement", "", "Assign", 5, 5),
        ("function", "run", "AsyncFunctionDef", 8, 10),
        ("class", "Jar", "ClassDef", 13, 24),
        ("method", "Jar.open", "FunctionDef", 18, 20),
        ("method", "Jar.full", "FunctionDef", 22, 24),
        ("statement", "", "If", 26, 26),
    ]


@pytest.mark.parametrize(
    "source",
    [
        b"print 'two'\n\ndef f(x):\n    raise E, 'old'\n",
        b"def broken(:\n\ndef f():\n    pass\n",
        b"exec 'x' in {}\ndef f(a, (b, c)):\n    print >>a, `b`\n",
        b"def f():\n\tx = '\xff\xe9'\n",
        b"x = '''never closed\n\ndef f(): pass\n" + b"'''\ndef f():\n    pass\n",
        b"\xef\xbb\xbfdef f():\r\n    return 1\r\n",
        b"\x00\x01def f(): pass\n",
    ],
)
def test_old_and_broken_files_are_read(source: bytes):
    """Python 2, syntax errors and odd bytes lose no file; what can be found is found."""
    assert "f" in [part[1] for part in told(source)]


def test_touched():
    """By the lines that change: a method counts with its class, a new name is added, one that went is deleted."""
    file, before, after = patch(
        "class A:\n    def f(self):\n        return 1\n\ndef g():\n    pass\n",
        "class A:\n    def f(self):\n        return 2\n\ndef h():\n    pass\n",
    )
    found = touched(before, after, file.hunks)
    assert [part.name for part in found.modified] == ["A", "A.f"]
    assert [part.name for part in found.added] == ["h"]
    assert [part.name for part in found.deleted] == ["g"]


@pytest.mark.parametrize(
    ("before", "after", "differs"),
    [
        ('def f():\n    """Old."""\n    return 1\n', 'def f():\n    """New."""\n    return 1\n', False),
        ("def f():\n    return 1  # old\n", "def f():\n    # new\n    return 1\n", False),
        ("def f():\n    return 1\n", "def f():\n    return  1\n", False),
        ("def f():\n    return 1\n", "def f():\n    return 2\n", True),
        (
            "def f():\n    if a:\n        b()\n        c()\n",
            "def f():\n    if a:\n        b()\n    c()\n",
            True,
        ),
        ("def f():\n    return 'old'\n", "def f():\n    return 'new'\n", True),
        ("def f():\n    pass\n", "def f():\n    pass\n\ndef g():\n    pass\n", True),
        ("X = 1\n", "X = 2\n", False),
    ],
)
def test_differs_in_code(before: str, after: str, differs: bool):  # noqa: FBT001 - a column of the table
    """Comments, docstrings and blanks are no code; indentation and strings are."""
    file, old, new = patch(before, after)
    assert differs_in_code(file, old, new) is differs


EDITS = st.lists(
    st.tuples(st.integers(0, 26), st.sampled_from(["", "x = 1", "def g():", "    pass", "'''", ")"]))
)


@given(EDITS)
def test_another_version_near_by_changes_nothing(edits: list[tuple[int, str]]):
    """Starting from the tree of another version is quicker and finds the same."""
    lines = MODULE.decode().split("\n")[:-1]
    for at, text in edits:
        lines.insert(at, text)
    before, after = MODULE.decode(), "\n".join(lines) + "\n"
    file, old, new = patch(before, after)
    for near, hunks in ((new, file.hunks), (new, ()), (Outline(b""), ())):
        again = Outline(before.encode(), near=near, hunks=hunks)
        assert [part[:5] for part in again.parts] == [part[:5] for part in old.parts]
    again = Outline(after.encode(), near=old)
    assert [part[:5] for part in again.parts] == [part[:5] for part in new.parts]
