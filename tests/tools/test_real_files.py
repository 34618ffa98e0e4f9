"""The editor on real files: every byte, mode and link that an edit does not touch stays."""

from pathlib import Path

import pytest
from tests.tools.bench import Bench

from r2egym.tools.places import HUGE


def test_bytes_that_are_not_utf8(real: Bench) -> None:
    """Latin-1 bytes around an edit stay."""
    real.put(b"x = '\xe9'\ny = 1\n# \xff\xfe\n")
    assert real.edit("str_replace", old_str="y = 1", new_str="y = 'é'").ok
    assert real.get() == b"x = '\xe9'\ny = '\xc3\xa9'\n# \xff\xfe\n"
    assert real.edit("undo_edit").ok
    assert real.get() == b"x = '\xe9'\ny = 1\n# \xff\xfe\n"


def test_line_ends_and_bom(real: Bench) -> None:
    """CRLF, BOM and a missing newline at the end survive all edits."""
    real.put(b"\xef\xbb\xbfa\r\nb\r\nc")
    assert real.edit("str_replace", old_str="a\nb", new_str="x\ny").ok
    assert real.edit("insert", insert_line=3, new_str="d").ok
    assert real.get() == b"\xef\xbb\xbfx\r\ny\r\nc\r\nd"


@pytest.mark.parametrize("mode", [0o755, 0o600, 0o664])
def test_mode(real: Bench, mode: int) -> None:
    """The mode stays through an edit and its undoing, the executable bit above all."""
    real.put(b"#!/bin/sh\necho one\n", "run.sh", mode)
    assert real.edit("str_replace", "run.sh", old_str="one", new_str="two").ok
    assert int(real.bash("stat -c %a run.sh").output, 8) == mode
    real.bash("chmod 644 run.sh")
    assert real.edit("undo_edit", "run.sh").ok
    assert int(real.bash("stat -c %a run.sh").output, 8) == mode


def test_links(real: Bench) -> None:
    """An edit goes through a link, which stays one."""
    real.put(b"a\n", "deep/a.py")
    real.bash("ln -s deep/a.py link.py; ln -s deep folder; ln -s nowhere dangling; ln -s loop loop")
    assert real.edit("str_replace", "link.py", old_str="a", new_str="b").ok
    assert real.edit("insert", "folder/a.py", insert_line=1, new_str="c").ok
    assert real.get("deep/a.py") == b"b\nc\n"
    assert real.bash("readlink link.py").output == "deep/a.py\n"
    assert "There is no file" in real.edit("view", "dangling").output
    assert not real.edit("create", "loop", file_text="x").ok
    assert "link.py -> deep/a.py" in real.edit("view", ".").output


def test_read_only(real: Bench) -> None:
    """What the agent may not write is not written, whatever the host may."""
    real.put(b"a\n", "a.py", 0o444)
    result = real.edit("str_replace", old_str="a", new_str="b")
    assert result.output == "/testbed/a.py was not written: it is read-only."
    assert real.get() == b"a\n"
    real.bash("mkdir shut; chmod 555 shut")
    assert "read-only" in real.edit("create", "shut/a.py", file_text="x").output
    assert not real.edit("create", "/usr/a.py", file_text="x").ok
    assert not real.edit("create", "a.py/b.py", file_text="x").ok
    real.bash("chmod 000 a.py")
    assert "cannot read" in real.edit("view").output


def test_vanished(real: Bench) -> None:
    """A file that was removed is missed, and its last state can be brought back."""
    real.edit("create", file_text="one\n")
    real.edit("str_replace", old_str="one", new_str="two")
    real.bash("rm a.py")
    assert real.edit("view").output == "There is no file /testbed/a.py."
    assert real.edit("str_replace", old_str="two", new_str="x").output == "There is no file /testbed/a.py."
    assert real.edit("undo_edit").ok
    assert real.get() == b"one\n"


def test_undo_of_a_made_file(real: Bench) -> None:
    """A file that was made is gone again."""
    real.edit("create", "new/a b.py", file_text="x")
    assert real.edit("undo_edit", "new/a b.py").ok
    assert real.bash("ls new").output == ""


@pytest.mark.parametrize("path", ["/dev/null", "/dev/zero", "pipe"])
def test_devices_and_pipes(real: Bench, path: str) -> None:
    """What is no file is named as such, and nothing waits for it."""
    real.bash("mkfifo pipe")
    for command in ("view", "create", "str_replace", "insert"):
        result = real.edit(command, path, file_text="x", old_str="x", new_str="y", insert_line=0)
        assert not result.ok
        assert "device, a pipe or a socket" in result.output


def test_folders(real: Bench) -> None:
    """A folder is shown two levels deep without hidden files, and is no file."""
    for name in ("b/c/d.py", "b/a.py", ".hidden/x", "b/.x", "a.py", "sp ace\nline"):
        real.put(b"", name)
    real.bash("mkdir empty")
    text = real.edit("view", ".").output.split("\n")
    assert text[1:] == ["a.py", "b/", "b/a.py", "b/c/", "empty/", "sp ace\\nline"]
    assert "nothing in it" in real.edit("view", "empty").output
    assert "is a folder" in real.edit("create", "b", file_text="x").output
    assert "is a folder" in real.edit("str_replace", "b", old_str="x", new_str="y").output
    real.bash("chmod 000 empty")
    assert not real.edit("view", "empty").ok


def test_outside(real: Bench) -> None:
    """Paths outside the project work as well."""
    assert real.edit("create", "/tmp/new/a.txt", file_text="a\n").ok
    assert real.edit("str_replace", "/tmp/new/../new/a.txt", old_str="a", new_str="b").ok
    assert real.edit("undo_edit", "/tmp/new/a.txt").ok
    assert real.bash("cat /tmp/new/a.txt").output == "a\n"
    assert real.edit("view", "/etc/passwd").ok


def test_huge(real: Bench) -> None:
    """A huge file is shown by range alone and never edited."""
    count = HUGE // 10 + 1_000
    real.bash(f"seq -f 'line %.0f' 1 {count} > a.txt")
    assert "too many for the editor" in real.edit("str_replace", "a.txt", old_str="line 5\n").output
    refused = real.edit("view", "a.txt")
    assert "view_range" in refused.output
    last = real.edit("view", "a.txt", view_range=[count - 1, -1])
    assert last.output.endswith(f"{count - 1} line {count - 1}\n{count} line {count}")
    assert real.edit("view", "a.txt", view_range=[1, 2]).output.endswith("     1 line 1\n     2 line 2")
    assert "left out" in real.edit("view", "a.txt", view_range=[1, 9_000]).output
    assert "fewer than" in real.edit("view", "a.txt", view_range=[10**9, -1]).output
    real.bash("truncate -s 20M zeros")
    assert "binary" in real.edit("view", "zeros", view_range=[1, 2]).output


def test_odd_names(real: Bench) -> None:
    """No shell reads a name: quotes, spaces, stars, dollars and a leading dash are part of it."""
    for name in ("-rf", "a'b", 'a"b', "$HOME", "*", "a b", "é", "a\\nb", "a;b", "#x", "new\nline"):
        assert real.edit("create", name, file_text=name).ok
        assert real.get(name) == name.encode()
        assert real.edit("str_replace", name, old_str=name, new_str="x").ok
        assert real.edit("undo_edit", name).ok
        assert real.edit("undo_edit", name).ok
    assert real.bash("ls -A").output == ""


def test_nothing_of_python_is_needed(real: Bench) -> None:
    """With no program but what bash and coreutils bring, everything works."""
    real.bash(
        "mkdir /tmp/bin; for p in bash grep find rm stat tail head readlink; do ln -s $(type -P $p) /tmp/bin/; done"
    )
    sandbox = real.workplace.sandbox
    assert sandbox.exec("type -P python3 python python2", env={"PATH": "/tmp/bin"}).stdout == ""

    class Bare:
        """The same sandbox, where commands find a few programs only."""

        def __getattr__(self, name: str) -> object:
            return getattr(sandbox, name)

        def exec(self, command: str, **options: object) -> object:
            env = {**(options.pop("env", None) or {}), "PATH": "/tmp/bin"}  # type: ignore[dict-item]
            return sandbox.exec(command, env=env, **options)  # type: ignore[arg-type]

    real.workplace.sandbox = Bare()  # type: ignore[assignment]
    assert real.bash("python3").exit_code == 127
    assert real.edit("create", file_text="def f():\n    one\n").ok
    assert real.edit("str_replace", old_str="one", new_str="two").ok
    assert "a.py" in real.call("search", search_term="two").output
    assert "a.py" in real.edit("view", ".").output
    assert real.edit("undo_edit").ok
    assert real.edit("undo_edit").ok


def test_without_stat(real: Bench) -> None:
    """Without a program that tells modes, an executable file stays one."""
    real.put(b"a\n", "run.sh", 0o755)
    sandbox = real.workplace.sandbox
    assert sandbox.exec("mkdir /tmp/none").exit_code == 0

    class Bare:
        """The same sandbox without programs."""

        def __getattr__(self, name: str) -> object:
            return getattr(sandbox, name)

        def exec(self, command: str, **options: object) -> object:
            return sandbox.exec(command, env={"PATH": "/tmp/none"}, **options)  # type: ignore[arg-type]

    real.workplace.sandbox = Bare()  # type: ignore[assignment]
    assert real.edit("str_replace", "run.sh", old_str="a", new_str="b").ok
    assert sandbox.exec(["stat", "-c", "%a", "/testbed/run.sh"]).stdout == "755\n"


def test_fork(real: Bench, tmp_path: Path) -> None:
    """A fork takes back what its origin edited, and the origin does not see it."""
    real.edit("create", file_text="one\n")
    real.edit("str_replace", old_str="one", new_str="two")
    with real.workplace.sandbox.fork() as forked:
        place = type(real.workplace)(forked, memory=real.workplace.memory.copy())
        fork = Bench(place)
        assert fork.edit("undo_edit").ok
        assert fork.get() == b"one\n"
    assert real.get() == b"two\n"
