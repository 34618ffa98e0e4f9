"""What somebody inside might try, beyond what every backend is held to."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from r2egym.errors import SandboxError, SandboxFileError
from r2egym.sandboxes._processes import descendants, end, pid_namespace, start_time
from r2egym.sandboxes._trees import ENDLESS, TreeCopy, disk_use, remove_tree
from r2egym.sandboxes.base import Backend, Layer, Limits, SandboxConfig
from r2egym.sandboxes.bubblewrap import BubblewrapSandbox

SWAP = """\
mkdir -p /testbed/d; echo inside >/testbed/d/passwd
(while :; do rm -rf /testbed/s; ln -s {host} /testbed/s; rm /testbed/s; cp -r /testbed/d /testbed/s; done) 2>/dev/null &
"""


def config(tmp_path: Path) -> SandboxConfig:
    """A writable /testbed."""
    (tmp_path / "source").mkdir(exist_ok=True)
    return SandboxConfig(
        layers=(Layer(target="/testbed", sources=(tmp_path / "source",), writable=True),), cwd="/testbed"
    )


def test_control_socket_cannot_be_opened(bubblewrap: Backend) -> None:
    """The server's socket is no file that somebody inside could write to or read from."""
    with bubblewrap.open(SandboxConfig()) as sandbox:
        result = sandbox.exec(
            "for f in /proc/1/fd/*; do (echo E x 0 >$f) 2>/dev/null && readlink $f; done; true"
        )
        assert "socket" not in result.stdout
        assert sandbox.exec(["echo", "on"]).stdout == "on\n"


def test_session_pipes_that_are_flooded(bubblewrap: Backend) -> None:
    """Forged answers on a session's pipes end in SandboxError or in silence, never in a wrong result or a hang."""
    with bubblewrap.open(SandboxConfig()) as sandbox, sandbox.session() as session:
        sandbox.exec(
            "(while :; do for f in /run/r2egym/*.say; do echo E 0 0 >$f; done; sleep 0.01; done) >/dev/null 2>&1 &"
        )
        started = time.monotonic()
        with pytest.raises(SandboxError):  # noqa: PT012 - some run of many meets a forged answer
            for _ in range(100):
                assert session.run("echo mine", timeout=5).stdout == "mine\n"
                time.sleep(0.01)
        assert time.monotonic() - started < 20
        assert sandbox.exec(["echo", "on"]).stdout == "on\n"


def test_export_while_folders_are_swapped_for_links(bubblewrap: Backend, tmp_path: Path) -> None:
    """A folder that turns into a link to a host's folder during the copy gives nothing away."""
    host = tmp_path / "host"
    host.mkdir()
    (host / "passwd").write_text("host")
    with bubblewrap.open(config(tmp_path)) as sandbox:
        sandbox.exec(SWAP.format(host=host))
        for number in range(5):
            sandbox.export("/testbed", tmp_path / f"out{number}")
            for path in (tmp_path / f"out{number}").rglob("passwd"):
                assert path.is_symlink() or path.read_text() == "inside\n"


def test_files_while_folders_are_swapped_for_links(bubblewrap: Backend, tmp_path: Path) -> None:
    """Reads and writes meet the same race inside the kernel, and lose it inside the sandbox."""
    host = tmp_path / "host"
    host.mkdir()
    (host / "passwd").write_text("host")
    with bubblewrap.open(config(tmp_path)) as sandbox:
        sandbox.exec(SWAP.format(host=host))
        for _ in range(300):
            try:
                assert sandbox.read_file("s/passwd") in {b"inside\n", b"", b"w"}
                sandbox.write_file("s/passwd", "w")
            except SandboxFileError:
                pass
    assert (host / "passwd").read_text() == "host"


def test_files_of_the_hosts_own_process(bubblewrap: Backend) -> None:
    """Magic links of /proc are not followed: they would be this process's own."""
    with bubblewrap.open(SandboxConfig()) as sandbox:
        for path in (
            "/proc/self/environ",
            "/proc/1/root/etc/passwd",
            "/proc/1/fd/0",
            "/dev/stdin",
            "/dev/fd/0",
        ):
            with pytest.raises(SandboxFileError):
                sandbox.read_file(path)


def test_locked_folders_are_counted_and_copied(bubblewrap: Backend, tmp_path: Path) -> None:
    """A folder without permissions hides nothing from the count, a copy, or a fork, and keeps its mode."""
    with bubblewrap.open(config(tmp_path)) as sandbox:
        assert isinstance(sandbox, BubblewrapSandbox)
        sandbox.exec("mkdir -p shut/in; head -c 3000000 /dev/zero >shut/in/f; chmod 0 shut/in/f shut/in shut")
        assert disk_use(sandbox._workspace.written) > 3_000_000
        with sandbox.fork() as fork:
            script = "stat -c %a shut; chmod 700 shut; stat -c %a shut/in; chmod 700 shut/in; stat -c '%a %s' shut/in/f"
            for one in (fork, sandbox):
                assert one.exec(script).stdout.split() == ["0", "0", "0", "3000000"]


def test_deep_and_locked_trees_are_removed(bubblewrap: Backend, tmp_path: Path) -> None:
    """Folders without permission, and a hundred deep, go away with the sandbox."""
    sandbox = bubblewrap.open(config(tmp_path))
    assert isinstance(sandbox, BubblewrapSandbox)
    sandbox.exec(
        "mkdir -p $(printf 'd/%.0s' {1..100}); touch d/d/d/f; chmod 0 d/d/d; mkdir -m 0 locked; touch -- -rf"
    )
    folder = sandbox._workspace.path
    sandbox.close()
    assert not folder.exists()


def test_trees_deeper_than_the_stack(tmp_path: Path) -> None:
    """A tree of thousands of folders in each other is removed and copied, or refused, without a crash."""
    here = os.open(tmp_path, os.O_RDONLY)
    for _ in range(3000):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    assert disk_use(tmp_path) == ENDLESS
    with pytest.raises(OSError, match="deeper"):
        TreeCopy(overlay=True).run(tmp_path, tmp_path.parent / "copy")
    remove_tree(tmp_path / "d")
    assert list(tmp_path.iterdir()) == []


def test_hard_links_whiteouts_and_merges(tmp_path: Path) -> None:
    """One upper folder laid over another keeps links, and hides what it should hide."""
    below, above, out = tmp_path / "below", tmp_path / "above", tmp_path / "out"
    for path in ("dir/old", "file", "turns/x", "shut/y"):
        (below / path).parent.mkdir(parents=True, exist_ok=True)
        (below / path).write_text("below")
    (above / "dir").mkdir(parents=True)
    (above / "dir/new").write_text("new")
    (above / "dir/same").hardlink_to(above / "dir/new")
    (above / "file").mkdir()
    (above / "turns").write_text("file now")
    (above / "shut").mkdir()
    os.setxattr(above / "shut", "user.overlay.opaque", b"y")
    for source in (below, above):
        TreeCopy(overlay=True).run(source, out)
    assert (out / "dir/old").read_text() == "below"
    assert (out / "dir/new").stat().st_ino == (out / "dir/same").stat().st_ino
    assert os.getxattr(out / "file", "user.overlay.opaque") == b"y"
    assert (out / "turns").read_text() == "file now"
    assert list((out / "shut").iterdir()) == []


def test_only_the_sandboxs_processes_are_signalled() -> None:
    """A process id that belongs to another namespace is never signalled."""
    child = os.fork()
    if child == 0:
        time.sleep(30)
        os._exit(0)
    try:
        assert child in descendants(os.getpid())
        end(os.getpid(), "pid:[1]", spared=set(descendants(os.getpid())) - {child})
        assert start_time(child) is not None
        assert pid_namespace(child) != "pid:[1]"
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)


def test_deleted_files_count(bubblewrap: Backend) -> None:
    """Space held by files that were deleted while open counts against the disk limit."""
    script = "for n in 1 2 3 4 5 6 7 8; do exec {fd}>/tmp/x; rm /tmp/x; head -c 8000000 /dev/zero >&$fd; done; sleep 20"
    with bubblewrap.open(SandboxConfig(limits=Limits(disk_bytes=32 << 20))) as sandbox:
        result = sandbox.exec(["bash", "-c", script], timeout=30)
        assert result.limits_hit == ("disk",)
        assert not result.timed_out


def test_output_without_end(bubblewrap: Backend) -> None:
    """A command that prints forever costs bounded memory and disk."""
    with bubblewrap.open(SandboxConfig()) as sandbox:
        result = sandbox.exec("yes", timeout=0.5, output_limit=1000)
        assert result.timed_out
        assert result.truncated
        assert len(result.stdout) < 1100


def test_commands_while_a_session_runs(bubblewrap: Backend) -> None:
    """A script in a session holds up neither commands nor files."""
    with bubblewrap.open(SandboxConfig()) as sandbox, sandbox.session() as session:
        thread = threading.Thread(
            target=session.run, args=("until [ -e /tmp/x ]; do sleep 0.1; done",), kwargs={"timeout": 600}
        )
        thread.start()
        assert sandbox.exec("sleep 9", timeout=0.1).timed_out
        assert session.is_open
        assert thread.is_alive()
        sandbox.write_file("/tmp/x", "x")
        thread.join()
        assert session.run("echo on").stdout == "on\n"


def test_session_that_cannot_be_interrupted(bubblewrap: Backend) -> None:
    """A shell that ignores its interruption ends, and says so; the sandbox goes on."""
    with bubblewrap.open(SandboxConfig()) as sandbox, sandbox.session() as session:
        started = time.monotonic()
        assert session.run("trap '' INT; while :; do :; done", timeout=2).timed_out
        assert time.monotonic() - started < 60
        assert not session.is_open
        assert sandbox.exec(["echo", "on"]).stdout == "on\n"


def test_a_background_job_can_interrupt(tmp_path: Path) -> None:
    """A process that was told to ignore SIGINT, as shells tell their background jobs, still interrupts what it runs."""
    code = (
        "import sys; from pathlib import Path\n"
        "from r2egym.sandboxes import open_backend\nfrom r2egym.sandboxes.base import SandboxConfig\n"
        "with open_backend('bubblewrap', Path(sys.argv[1])).open(SandboxConfig()) as box, box.session() as session:\n"
        "    print(session.run('sleep 60; echo later; sleep 60', timeout=1).stdout, end='')\n"
        "    print(session.is_open, session.run('echo on').stdout, end='')\n"
    )
    words = ["sh", "-c", "trap '' INT; exec \"$@\"", "sh", sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("True on\n", 0), done.stderr


def test_sparse_files_stay_sparse(tmp_path: Path) -> None:
    """A file that claims to be huge costs a copy no more than what it holds."""
    (tmp_path / "from").mkdir()
    with (tmp_path / "from/sparse").open("wb") as file:
        file.write(b"begin")
        file.seek(1 << 30)
        file.write(b"end")
        file.truncate(1 << 34)
    TreeCopy(overlay=False).run(tmp_path / "from", tmp_path / "to")
    assert (tmp_path / "to/sparse").stat().st_size == 1 << 34
    assert disk_use(tmp_path / "to") < 1 << 20
    with (tmp_path / "to/sparse").open("rb") as file:
        assert file.read(5) == b"begin"
        file.seek(1 << 30)
        assert file.read(4) == b"end\0"


def test_refused_system_calls(bubblewrap: Backend) -> None:
    """Calls that no test needs fail as forbidden ones do, also by their numbers."""
    script = (
        "import ctypes, platform; libc = ctypes.CDLL(None, use_errno=True);"
        "number = {'x86_64': 250, 'aarch64': 219}[platform.machine()];"
        "print(libc.syscall(number, 0, -3, 0), ctypes.get_errno());"
        "print(libc.syscall(0x40000000 + 39) if platform.machine() == 'x86_64' else -1)"
    )
    result = bubblewrap.run(SandboxConfig(), ["python3", "-c", script])
    if result.exit_code == 127:
        pytest.skip("this machine's system has no python3")
    assert result.stdout == "-1 1\n-1\n", result.stderr


def test_nothing_is_inherited(bubblewrap: Backend) -> None:
    """Neither a command nor the server has a descriptor of the host's beyond its streams and its socket."""
    listing = ["bash", "-c", "ls -l /proc/self/fd | grep -c -- '->'; ls -l /proc/1/fd | grep -c -- '->'"]
    assert bubblewrap.run(SandboxConfig(), listing).stdout.split()[0] == "4"  # three, and ls's own
    with bubblewrap.open(SandboxConfig()) as sandbox:
        assert sandbox.exec(listing).stdout.split()[0] == "4"
        server = [line for line in sandbox.exec("ls -l /proc/1/fd").stdout.splitlines() if "->" in line]
        assert len([line for line in server if "/dev/null" not in line and "socket:" not in line]) == 0


def test_fork_bomb_that_was_left_behind(bubblewrap: Backend) -> None:
    """A bomb in the background takes all processes there may be, and goes when the next command needs some."""
    with bubblewrap.open(SandboxConfig(limits=Limits(pids=30))) as sandbox:
        before = len(descendants(os.getpid()))
        sandbox.exec("(while :; do sleep 300 & done) >/dev/null 2>&1 &")
        deadline = time.monotonic() + 20
        while len(descendants(os.getpid())) < before + 25 and time.monotonic() < deadline:
            time.sleep(0.01)
        result = sandbox.exec(["echo", "on"], timeout=20)
        assert (result.stdout, result.limits_hit) == ("on\n", ("pids",))


HOLD = "import ctypes, time; libc = ctypes.CDLL(None); libc.ptrace(16, 1, 0, 0); {then}"


def test_first_process_that_is_held(bubblewrap: Backend) -> None:
    """Tracing the first process hangs nobody: one command ends all the same, and a sandbox is declared broken."""
    if bubblewrap.run(SandboxConfig(), ["python3", "-c", "import ctypes"]).exit_code:
        pytest.skip("this machine's system has no python3")
    started = time.monotonic()
    result = bubblewrap.run(SandboxConfig(), ["python3", "-c", HOLD.format(then="print('over')")])
    assert result.stdout == "over\n"
    with bubblewrap.open(SandboxConfig()) as sandbox:
        try:
            sandbox.exec(["python3", "-c", HOLD.format(then="time.sleep(60)")])
        except SandboxError:
            assert not sandbox.is_alive()
    assert time.monotonic() - started < 30


def test_bomb_without_a_bound(bubblewrap: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    """What forks faster than it can be stopped is ended in one step."""
    monkeypatch.setattr("r2egym.sandboxes._processes._END_SECONDS", -1.0)
    with bubblewrap.open(SandboxConfig(limits=Limits(pids=200))) as sandbox:
        started = time.monotonic()
        assert sandbox.exec("while :; do sleep 300 & done; wait", timeout=0.3).timed_out
        assert time.monotonic() - started < 60
        assert sandbox.exec(["echo", "on"], timeout=20).stdout == "on\n"
