"""The editor's history: bounded, plain, and copied for forks."""

import json

from tests.tools.bench import Bench

from r2egym.tools import Memory


def test_plain_json() -> None:
    """A history survives JSON, any bytes included."""
    memory = Memory()
    memory.remember("/a", b"\x00\xff\r\n", "digest", 0o755)
    memory.remember("/b", None, "digest", 0o644)
    again = Memory.load(json.loads(json.dumps(memory.dump())))
    assert again.edits == memory.edits
    last = again.last("/a")
    assert last is not None
    assert last.content == b"\x00\xff\r\n"


def test_bound() -> None:
    """The oldest edits are forgotten first, and one that is too large takes the older ones with it."""
    memory = Memory(limit=100)
    for number in range(10):
        memory.remember(f"/{number}", b"x" * 30, "", 0o644)
    assert [edit.path for edit in memory.edits] == ["/8", "/9"]
    memory.remember("/9", b"x" * 300, "", 0o644)
    assert memory.edits == []


def test_copy(memory: Bench) -> None:
    """A fork's undo leaves the origin's history alone."""
    memory.edit("create", file_text="one")
    memory.edit("insert", insert_line=1, new_str="two")
    fork = Bench(
        memory.workplace.__class__(memory.workplace.sandbox.fork(), memory=memory.workplace.memory.copy())
    )
    assert fork.edit("undo_edit").ok
    assert fork.get() == b"one"
    assert memory.get() == b"one\ntwo"
    assert memory.edit("undo_edit").ok
    assert memory.get() == b"one"
