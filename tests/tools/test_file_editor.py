"""The editor's own logic, over a dictionary."""

import pytest
from tests.tools.bench import Bench

from r2egym.tools.edits import insert, replace
from r2egym.tools.text import CLIP

LONG = (
    "import os\n\n\nclass A:\n    x = 1\n\n    def long(self):\n"
    + "        y = 1\n" * 150
    + "\n    def short(self):\n        return 1\n"
)


def test_create(memory: Bench) -> None:
    """A new file holds exactly what was given, and is not made twice."""
    result = memory.edit("create", "new/deep/a.py", file_text="a\r\n\tb")
    assert result.output == "Made /testbed/new/deep/a.py: 2 lines, 5 bytes."
    assert memory.get("new/deep/a.py") == b"a\r\n\tb"
    again = memory.edit("create", "new/deep/a.py", file_text="x")
    assert not again.ok
    assert "is there already" in again.output
    assert memory.get("new/deep/a.py") == b"a\r\n\tb"


def test_what_a_command_needs(memory: Bench) -> None:
    """A missing parameter is asked for by name."""
    memory.put(b"a\n")
    for command, name in (("create", "file_text"), ("str_replace", "old_str"), ("insert", "new_str")):
        assert f"needs {name}" in memory.edit(command).output
    assert "needs insert_line" in memory.edit("insert", new_str="x").output
    assert memory.get() == b"a\n"


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("", "path is empty"),
        (" ", "path is empty"),
        ("~/a.py", "absolute"),
        ("a\0b", "NUL"),
        ("a" * 5_000, "5,000 bytes"),
    ],
)
def test_paths_that_are_none(memory: Bench, path: str, said: str) -> None:
    """What cannot be a path is refused with the reason, before the sandbox is asked."""
    assert said in memory.edit("view", path).output
    assert said in memory.edit("create", path, file_text="x").output


def test_view(memory: Bench) -> None:
    """Lines have numbers, and what does not show is said."""
    memory.put(b"a\n\nb")
    assert (
        memory.edit("view").output
        == "/testbed/a.py, 3 lines, no newline at the end:\n     1 a\n     2 \n     3 b"
    )
    memory.put(b"\xef\xbb\xbfa\r\n\xe9\x0c\r\n")
    head, first, second = memory.edit("view").output.split("\n")
    assert (
        head
        == "/testbed/a.py, 2 lines, begins with a BOM, CRLF line ends, holds bytes that are not UTF-8, shown as \ufffd:"
    )
    assert (first, second) == ("     1 a", "     2 \ufffd\x0c")
    memory.put(b"")
    assert memory.edit("view").output == "/testbed/a.py is empty."


def test_view_range(memory: Bench) -> None:
    """A range shows its lines; one that cannot be is refused with the reason."""
    memory.put(b"".join(b"%d\n" % n for n in range(1, 301)))
    assert memory.edit("view", view_range=[2, 3]).output.endswith("2 to 3 of them:\n     2 2\n     3 3")
    assert memory.edit("view", view_range=[299, -1]).output.endswith(":\n   299 299\n   300 300")
    assert memory.edit("view", view_range=[300, 999]).output.endswith(":\n   300 300")
    for wanted, said in (
        ([0, 3], "is 1 or more"),
        ([3, 2], "no smaller"),
        ([1], "two line"),
        ([301, -1], "has 300 lines"),
    ):
        assert said in memory.edit("view", view_range=wanted).output


def test_condensed(memory: Bench) -> None:
    """A long Python file is shown without the bodies of long functions, its line numbers kept."""
    memory.put(LONG.encode())
    text = memory.edit("view").output
    assert "condensed" in text
    assert "     7     def long(self):\n     8         [… lines 8 to 157 left out]\n   158 \n" in text
    assert text.endswith("   159     def short(self):\n   160         return 1")
    assert "condensed" not in memory.edit("view", view_range=[1, 160]).output
    assert "condensed" not in memory.edit("view", concise=False).output
    memory.put(LONG.encode(), "a.txt")
    assert "condensed" not in memory.edit("view", "a.txt").output


def test_concise_on_demand(memory: Bench) -> None:
    """A short Python file is condensed when that is asked for."""
    memory.put(b"async def f(a,\n  b):\n  # why\n  1\n  2\n  3\n\nx = lambda: 0\ndef g(): return 1\n")
    assert "condensed" not in memory.edit("view").output
    lines = memory.edit("view", concise=True).output.split("\n")[2:]
    assert lines[2] == "     3   [… lines 3 to 6 left out]"
    assert lines[:2] == ["     1 async def f(a,", "     2   b):"]
    assert lines[-2:] == ["     8 x = lambda: 0", "     9 def g(): return 1"]


def test_clipped(memory: Bench) -> None:
    """Long output ends at a whole line with a mark, and a long line inside itself."""
    memory.put((b"x" * 98 + b"\n") * 200, "a.txt")
    text = memory.edit("view", "a.txt").output
    assert len(text) < CLIP + 200
    assert text.split("\n")[-1] == "[… lines 95 to 200 left out; view_range shows them]"
    memory.put(b"x" * 50_000, "a.txt")
    assert len(memory.edit("view", "a.txt").output) < CLIP + 200


def test_binary(memory: Bench) -> None:
    """A binary file is named, not shown."""
    memory.put(b"\x7fELF\0\0", "a.so")
    assert memory.edit("view", "a.so").output == "/testbed/a.so is a binary file of 6 bytes; it is not shown."


def test_str_replace(memory: Bench) -> None:
    """The one occurrence is replaced, and the lines around it are shown."""
    memory.put(b"a\nb\nc\n")
    result = memory.edit("str_replace", old_str="b", new_str="x\ny")
    assert memory.get() == b"a\nx\ny\nc\n"
    assert (
        result.output == "Edited /testbed/a.py. It reads there now:\n     1 a\n     2 x\n     3 y\n     4 c"
    )
    memory.edit("str_replace", old_str="x\ny\n")
    assert memory.get() == b"a\nc\n"


@pytest.mark.parametrize(
    ("old", "said"),
    [
        ("x", "is in /testbed/a.py 3 times, on lines 1, 2, 2"),
        ("", "old_str is empty"),
        ("  return  1", "The closest line to its first one is line 3: '    return 1'"),
        ("return 1\nthen", "Line 3 differs in white space alone"),
        ("    return 1\nthen", "Its first line is line 3"),
        ("nothing like it at all", "old_str is not in /testbed/a.py."),
        ("aa", "2 times, on lines 4, 4"),
        ("\ufffd", "stands for bytes that are not UTF-8"),
    ],
)
def test_str_replace_that_cannot_be(memory: Bench, old: str, said: str) -> None:
    """The message says how often and where, or what comes near."""
    data = b"x\nxx\n    return 1\naaa\n\xff\n"
    memory.put(data)
    result = memory.edit("str_replace", old_str=old, new_str="new")
    assert not result.ok
    assert said in result.output
    assert memory.get() == data


def test_hints_take_no_time(memory: Bench) -> None:
    """A file made to slow the search for a near line down does not."""
    memory.put("".join("ab" * 90 + f"{number}\n" for number in range(20_000)).encode())
    result = memory.edit("str_replace", old_str="ba" * 100 + "a" * 200, new_str="")
    assert not result.ok
    assert result.seconds < 20


@pytest.mark.parametrize(
    ("data", "after", "text", "made"),
    [
        (b"a\nb\n", 0, b"x", b"x\na\nb\n"),
        (b"a\nb\n", 1, b"x\n", b"a\nx\nb\n"),
        (b"a\nb\n", 2, b"x\n\n", b"a\nb\nx\n\n"),
        (b"a\nb", 2, b"x\n", b"a\nb\nx"),
        (b"a\nb", 1, b"x", b"a\nx\nb"),
        (b"", 0, b"x", b"x\n"),
        (b"a\r\nb\r\n", 1, b"x\ny\n", b"a\r\nx\r\ny\r\nb\r\n"),
        (b"a\r\nb\r\n", 2, b"x\r\n", b"a\r\nb\r\nx\r\n"),
        (b"a\r\nb", 2, b"x", b"a\r\nb\r\nx"),
        (b"\xef\xbb\xbfa\n", 0, b"x", b"\xef\xbb\xbfx\na\n"),
        (b"\xff\n\xfe\n", 1, b"x", b"\xff\nx\n\xfe\n"),
        (b"a\n\n", 2, b"x", b"a\n\nx\n"),
        (b"\n", 1, b"", b"\n\n"),
    ],
)
def test_insert(data: bytes, after: int, text: bytes, made: bytes) -> None:
    """Lines go in after a line; line ends, BOM and the end of the last line stay as they were."""
    assert insert(data, after, text, "a").data == made


@pytest.mark.parametrize(
    ("data", "old", "new", "made"),
    [
        (b"a\r\nb\r\n", b"a\nb", b"x\ny", b"x\r\ny\r\n"),
        (b"a\r\nb\r\n", b"a", b"x\ny", b"x\r\ny\r\nb\r\n"),
        (b"a\r\nb\r\n", b"a\r\nb", b"x\r\ny", b"x\r\ny\r\n"),
        (b"a\r\nb\nc\n", b"a\nb", b"x\ny", b"x\r\ny\nc\n"),
        (b"a\r\nb\nc\n", b"b\nc", b"x\ny", b"a\r\nx\ny\n"),
        (b"a\rb\n", b"a", b"x", b"x\rb\n"),
        (b"\xe9\n\xe9 b\n", b" b", "é".encode(), b"\xe9\n\xe9\xc3\xa9\n"),
    ],
)
def test_replace(data: bytes, old: bytes, new: bytes, made: bytes) -> None:
    """What is not replaced keeps its bytes, and what is new has the file's line ends."""
    assert replace(data, old, new, "a").data == made


def test_adapted_line_ends_are_named(memory: Bench) -> None:
    """The outcome says so when line ends were adapted."""
    memory.put(b"a\r\nb\r\n")
    assert "CRLF" in memory.edit("str_replace", old_str="a\nb", new_str="c\nd").output
    assert "CRLF" in memory.edit("insert", insert_line=0, new_str="x").output
    assert memory.get() == b"x\r\nc\r\nd\r\n"


def test_insert_out_of_range(memory: Bench) -> None:
    """The message says which lines there are."""
    memory.put(b"a\n")
    for line in (-1, 2, 10**17):
        assert "insert_line is 0 to 1" in memory.edit("insert", insert_line=line, new_str="x").output


def test_undo(memory: Bench) -> None:
    """Edits are taken back one by one, and the file that was made goes last."""
    memory.edit("create", file_text="one\n")
    memory.edit("insert", insert_line=1, new_str="two")
    memory.edit("str_replace", path="./b/../a.py", old_str="two", new_str="three")
    memory.edit("undo_edit")
    assert memory.get() == b"one\ntwo\n"
    memory.edit("undo_edit", path="/testbed/a.py")
    assert memory.get() == b"one\n"
    assert "is gone" in memory.edit("undo_edit").output
    assert not memory.edit("view").ok
    assert "no edit" in memory.edit("undo_edit").output


def test_undo_after_others_wrote(memory: Bench) -> None:
    """That something else had changed the file is told."""
    memory.edit("create", file_text="one\n")
    memory.edit("str_replace", old_str="one", new_str="two")
    memory.put(b"three\n")
    assert "something else" in memory.edit("undo_edit").output
    assert memory.get() == b"one\n"


def test_failed_edits_are_not_remembered(memory: Bench) -> None:
    """An edit that did not happen cannot be taken back."""
    memory.put(b"a\n")
    memory.edit("str_replace", old_str="b", new_str="c")
    memory.edit("insert", insert_line=9, new_str="c")
    assert memory.workplace.memory.edits == []


def test_linting(memory: Bench) -> None:
    """Syntax is told of when that is asked for, and the edit is made in any case."""
    assert memory.edit("create", file_text="x = 1\n", enable_linting=True).output.endswith(
        "Its syntax is right."
    )
    result = memory.edit("insert", insert_line=1, new_str="def (:\n", enable_linting=True)
    assert "syntax error near line 2" in result.output
    assert memory.get() == b"x = 1\ndef (:\n"
    assert "yntax" not in memory.edit("create", "a.txt", file_text="def (", enable_linting=True).output


def test_old_python(memory: Bench) -> None:
    """Python 2 source is no syntax error."""
    text = "print 'a'\nexec 'b'\ntry:\n    pass\nexcept E, e:\n    print >>f, `1`\n"
    assert memory.edit("create", file_text="print 'a'\nexec 'b'\n", enable_linting=True).output.endswith(
        "right."
    )
    assert memory.edit("create", "b.py", file_text=text, concise=True).ok
