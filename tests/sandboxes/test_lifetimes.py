"""Nothing is left: after close, at the interpreter's end, after `kill -9`; and what others left can be swept up."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from r2egym.errors import (
    SandboxClosedError,
    SandboxError,
    SandboxStartError,
    SandboxUnavailableError,
    UsageError,
)
from r2egym.sandboxes import open_backend, reap
from r2egym.sandboxes._processes import descendants
from r2egym.sandboxes.base import Backend, Layer, Limits, SandboxConfig
from r2egym.sandboxes.bubblewrap import BubblewrapSandbox

CONTROLLER = """
import sys, time
from pathlib import Path
from r2egym.sandboxes import open_backend
from r2egym.sandboxes.base import SandboxConfig
sandbox = open_backend("bubblewrap", Path(sys.argv[1])).open(SandboxConfig())
sandbox.exec("setsid sleep 7771 >/dev/null 2>&1 &")
sandbox.snapshot()
print(sandbox._server.init, flush=True)
{then}
"""


def controller(home: Path, then: str) -> tuple[subprocess.Popen[str], int]:
    """Another process with a sandbox, and the process id of the sandbox's first process."""
    process = subprocess.Popen(
        [sys.executable, "-c", CONTROLLER.format(then=then), str(home)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    with process.stdout as out:
        return process, int(out.readline())


def alive(pid: int) -> bool:
    """Whether a process is there; one that has ended and waits for a lazy parent (the first process of a container) is not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in {"Z", "X"}
    except (FileNotFoundError, ProcessLookupError):
        return False


def gone(pid: int, seconds: float = 10) -> bool:
    """Whether a process ends soon."""
    end = time.monotonic() + seconds
    while alive(pid):
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def folders(home: Path) -> list[str]:
    """What sandboxes have left."""
    return [path.name for path in (home / "sandboxes").iterdir() if not path.name.startswith(".")]


def test_interpreter_exit(bubblewrap: Backend, tmp_path: Path) -> None:
    """A controller that ends without closing leaves neither processes nor files."""
    process, init = controller(tmp_path, "")
    assert process.wait(20) == 0
    assert gone(init)
    assert folders(tmp_path) == []


def test_kill_dash_nine(bubblewrap: Backend, tmp_path: Path) -> None:
    """After `kill -9` of the controller all processes are gone, and `reap` removes the files."""
    process, init = controller(tmp_path, "sandbox.exec(['sleep', '60'])")
    below = descendants(init)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert all(gone(pid) for pid in (init, *below))
    report = reap(tmp_path)
    assert len(report.removed) == 2  # the sandbox and its snapshot
    assert folders(tmp_path) == []
    assert not [
        path for path in (tmp_path / "sandboxes/.leases").iterdir() if path.name.startswith(str(process.pid))
    ]


def test_reap_leaves_the_living_alone(bubblewrap: Backend, home: Path, tmp_path: Path) -> None:
    """What has an owner stays, whether the owner is this process or another."""
    process, init = controller(tmp_path, "time.sleep(60)")
    with open_backend("bubblewrap", tmp_path).open(SandboxConfig()) as sandbox:
        report = reap(tmp_path)
        assert (report.removed, report.alive) == ((), 3)
        assert sandbox.exec(["true"]).exit_code == 0
    assert not gone(init, 0)
    process.kill()
    process.wait()
    assert gone(init)


def test_reap_of_nothing(tmp_path: Path) -> None:
    """A home without sandboxes, and a folder that somebody has just begun, are fine."""
    assert reap(tmp_path).removed == ()
    (tmp_path / "sandboxes/begun").mkdir(parents=True)
    assert reap(tmp_path).removed == ()
    os.utime(tmp_path / "sandboxes/begun", (0, 0))
    assert reap(tmp_path).removed == ("begun",)


def test_thread_that_ends(bubblewrap: Backend) -> None:
    """A sandbox outlives the thread that opened it."""
    opened: list[BubblewrapSandbox] = []
    thread = threading.Thread(target=lambda: opened.append(bubblewrap.open(SandboxConfig())))  # type: ignore[arg-type]
    thread.start()
    thread.join()
    time.sleep(0.05)
    with opened[0] as sandbox:
        assert sandbox.exec(["echo", "on"]).stdout == "on\n"


def test_many_threads(bubblewrap: Backend) -> None:
    """Sandboxes opened, used and closed by many threads do not mix."""
    wrong: list[str] = []

    def work(number: int) -> None:
        for turn in range(3):
            word = f"{number}.{turn}"
            with bubblewrap.open(SandboxConfig()) as sandbox:
                sandbox.write_file("/tmp/me", word)
                answers = {sandbox.exec(["cat", "/tmp/me"]).stdout for _ in range(3)}
                if answers != {word}:
                    wrong.append(f"{word}: {answers}")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_commands_of_many_threads_in_one_sandbox(bubblewrap: Backend) -> None:
    """Commands of several threads in one sandbox each get their own output."""
    wrong: list[str] = []
    with bubblewrap.open(SandboxConfig()) as sandbox, sandbox.session() as session:

        def work(number: int) -> None:
            for turn in range(20):
                run = session.run if number == 0 else sandbox.exec
                result = run(f"echo {number}.{turn}; echo e{number}.{turn} >&2")
                if (result.stdout, result.stderr) != (f"{number}.{turn}\n", f"e{number}.{turn}\n"):
                    wrong.append(repr(result))

        threads = [threading.Thread(target=work, args=(number,)) for number in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert wrong == []


def test_fork_of_the_controller(bubblewrap: Backend) -> None:
    """A forked controller that ends, or closes what it inherited, does its parent's sandboxes no harm."""
    with bubblewrap.open(SandboxConfig()) as sandbox:
        child = os.fork()
        if child == 0:
            sandbox.close()
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        assert sandbox.exec(["echo", "on"]).stdout == "on\n"


def test_broken_server(bubblewrap: Backend) -> None:
    """When the server's process is gone, commands and files are SandboxErrors at once, and the rest is cleaned up."""
    sandbox = bubblewrap.open(SandboxConfig())
    assert isinstance(sandbox, BubblewrapSandbox)
    os.kill(sandbox._server.init, signal.SIGKILL)
    assert gone(sandbox._server.init)
    with pytest.raises(SandboxError):
        sandbox.exec(["true"])
    assert not sandbox.is_alive()
    with pytest.raises(SandboxClosedError):
        sandbox.read_file("/etc/passwd")


def test_no_descriptors_are_left(bubblewrap: Backend) -> None:
    """Descriptors do not pile up, once the thread that removes what was written has come to its end."""
    with bubblewrap.open(SandboxConfig()) as sandbox:
        sandbox.exec(["true"])
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(3):
        with bubblewrap.open(SandboxConfig()) as sandbox, sandbox.session() as session:
            session.run("true")
            sandbox.exec("sleep 5", timeout=0.05)
            sandbox.snapshot().discard()
            sandbox.reset()
            bubblewrap.run(SandboxConfig(), ["true"])
    deadline = time.monotonic() + 10
    while (after := len(list(Path("/proc/self/fd").iterdir()))) > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert after <= before


def test_what_cannot_start(bubblewrap: Backend, tmp_path: Path) -> None:
    """Configurations that make no sense, or cannot be, are one clear line."""
    layer = Layer(target="/x", sources=(tmp_path,))
    for config, kind in (
        (SandboxConfig(layers=(Layer(target="x", sources=(tmp_path,)),)), UsageError),
        (SandboxConfig(layers=(layer, layer)), UsageError),
        (SandboxConfig(layers=(Layer(target="/x/../y", sources=(tmp_path,)),)), UsageError),
        (SandboxConfig(layers=(Layer(target="/x", sources=(tmp_path / "none",)),)), SandboxStartError),
        (SandboxConfig(network="index"), UsageError),
        (SandboxConfig(rootfs=tmp_path / "none"), SandboxStartError),
        (SandboxConfig(rootfs=tmp_path), SandboxStartError),
    ):
        with pytest.raises(kind) as caught:
            bubblewrap.open(config)
        assert "\n" not in str(caught.value)


def test_home_that_cannot_be_written(tmp_path: Path) -> None:
    """A home that is a file is one clear line."""
    (tmp_path / "file").write_text("")
    with pytest.raises(SandboxUnavailableError, match="cannot make"):
        open_backend("bubblewrap", tmp_path / "file").open(SandboxConfig())


def test_life_time_of_one_command(bubblewrap: Backend) -> None:
    """`run` with a life time ends with it."""
    result = bubblewrap.run(SandboxConfig(limits=Limits(wall_seconds=2)), ["sleep", "60"])
    assert result.timed_out


def test_root_file_system(bubblewrap: Backend, tmp_path: Path) -> None:
    """An unpacked root stands in for the host's system, and stays as it was."""
    for name in ("bin", "lib", "lib64", "usr", "etc"):
        source = Path("/") / name
        if not source.exists():
            continue
        (tmp_path / name).symlink_to(source.readlink()) if source.is_symlink() else (tmp_path / name).mkdir()
    (tmp_path / "etc/name").write_text("other")
    layers = (Layer(target="/usr", sources=(Path("/usr"),)),)
    with bubblewrap.open(SandboxConfig(rootfs=tmp_path, layers=layers)) as sandbox:
        assert sandbox.exec("cat /etc/name; touch /etc/new").stdout == "other"
        assert (
            bubblewrap.run(SandboxConfig(rootfs=tmp_path, layers=layers), ["cat", "/etc/name"]).stdout
            == "other"
        )
    assert not (tmp_path / "etc/new").exists()
