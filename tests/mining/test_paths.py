"""What a path says, and git's way of quoting it."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from r2egym.mining import is_test_path
from r2egym.mining.paths import is_other_code_path, quote, take_quoted


@pytest.mark.parametrize(
    "path", ["test_a.py", "a_test.py", "x/tests/a.py", "Test/data.txt", "x/conftest.py", "tests/__init__.py"]
)
def test_tests(path: str):
    """By name or by folder."""
    assert is_test_path(path)


@pytest.mark.parametrize(
    "path", ["a.py", "testing.py", "x/testing/a.py", "attest.py", "latest/a.py", "contest.py", "a_test.txt"]
)
def test_no_tests(path: str):
    """Names that only look like it."""
    assert not is_test_path(path)


def test_other_code():
    """Program code of other languages; documents and settings are none."""
    assert [is_other_code_path(path) for path in ("a.c", "x/B.PYX", "a.py", "a.md", "a.cfg")] == [
        True,
        True,
        False,
        False,
        False,
    ]


@given(st.binary(min_size=1).filter(lambda raw: b"\0" not in raw), st.text(max_size=5))
def test_quoting_comes_back(raw: bytes, rest: str):
    """Whatever bytes a name has: quoted and read again it is the same, and what follows is left alone."""
    path = raw.decode("utf-8", "surrogateescape")
    quoted = quote(path)
    if quoted != path:
        assert take_quoted(quoted + rest) == (path, rest)
    else:
        assert quoted.isascii()


def test_quoting_is_gits(tmp_path: Path):
    """Git prints the same."""
    names = ["plain", "with space", "ü", 'q"uote', "back\\slash", "tab\t", "bell\a", "del\x7f"]
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    for name in names:
        (tmp_path / name).write_text("")
    listed = subprocess.run(
        ["git", "-C", str(tmp_path), "status", "--porcelain"], capture_output=True, text=True, check=True
    )
    seen = {line[3:].strip() for line in listed.stdout.splitlines()}
    spaced = {f'"{name}"' if quote(name) == name and " " in name else quote(name) for name in names}
    assert seen == spaced
