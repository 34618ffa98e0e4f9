"""Nothing is left with the engine: after close, at the interpreter's end, after `kill -9` and `reap`."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.system.engines import containers, passing

from r2egym.errors import SandboxClosedError, SandboxError, SandboxStartError, UsageError
from r2egym.sandboxes import open_backend, reap
from r2egym.sandboxes.base import Layer, SandboxConfig
from r2egym.sandboxes.docker import DockerBackend

pytestmark = pytest.mark.system

PATIENCE = 240
"""Seconds for what the engine does in its own time; a busy machine is no defect."""
CONTROLLER = """
import sys, time
from pathlib import Path
from r2egym.sandboxes import open_backend
from r2egym.sandboxes.base import SandboxConfig
sandbox = open_backend("docker", Path(sys.argv[1])).open(SandboxConfig())
sandbox.snapshot()
print("open", flush=True)
{then}
"""


def controller(home: Path, then: str) -> subprocess.Popen[str]:
    """Another process, with a sandbox that is open."""
    process = subprocess.Popen(
        [sys.executable, "-c", CONTROLLER.format(then=then), str(home)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    with process.stdout as out:
        assert out.readline() == "open\n"
    return process


def soon_none(backend: DockerBackend, home: Path) -> bool:
    """Whether the engine has nothing of a home any more, at once or within its own time."""
    deadline = time.monotonic() + PATIENCE
    while containers(backend, home) or passing(backend, home):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def test_interpreter_exit(docker: DockerBackend, tmp_path: Path) -> None:
    """A controller that ends without closing leaves neither container nor image."""
    process = controller(tmp_path, "")
    assert process.wait(PATIENCE) == 0
    assert soon_none(docker, tmp_path)


def test_kill_dash_nine(docker: DockerBackend, tmp_path: Path) -> None:
    """After `kill -9` in the middle of a command, `reap` removes container and saved state; a living owner's stay."""
    process = controller(tmp_path, "sandbox.exec(['sleep', '600'])")
    reap(tmp_path)
    assert len(containers(docker, tmp_path)) == 1
    process.kill()
    process.wait()
    assert len(containers(docker, tmp_path)) == 1
    removed = reap(tmp_path).removed
    assert [name for name in removed if name.startswith("r2egym/saved:")]
    assert [name for name in removed if name.startswith("r2egym-")]
    assert soon_none(docker, tmp_path)
    assert reap(tmp_path).removed == ()


def test_controller_that_dies_idle(docker: DockerBackend, tmp_path: Path) -> None:
    """A sandbox with no command under way ends by itself with its controller."""
    process = controller(tmp_path, "time.sleep(600)")
    process.kill()
    process.wait()
    deadline = time.monotonic() + PATIENCE
    while containers(docker, tmp_path):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    reap(tmp_path)
    assert soon_none(docker, tmp_path)


def test_container_that_somebody_removes(docker: DockerBackend) -> None:
    """When the container is gone, commands and files are SandboxErrors at once."""
    sandbox = docker.open(SandboxConfig())
    docker.engine.api.remove_container(sandbox._ground._first.id, force=True)  # type: ignore[attr-defined]
    with pytest.raises(SandboxError):
        sandbox.exec(["true"])
    assert not sandbox.is_alive()
    with pytest.raises(SandboxClosedError):
        sandbox.read_file("/etc/passwd")


def test_image_that_somebody_removes(docker: DockerBackend) -> None:
    """An image that vanishes between two sandboxes is made anew."""
    with docker.open(SandboxConfig()) as sandbox:
        name = docker.engine.api.inspect_container(sandbox._ground._first.id)["Config"]["Image"]  # type: ignore[attr-defined]
    deadline = time.monotonic() + PATIENCE
    while not docker.images.remove(name):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert not docker.images.has(name)
    with docker.open(SandboxConfig()) as sandbox:
        assert sandbox.exec(["echo", "on"]).stdout == "on\n"


def test_what_cannot_start(docker: DockerBackend, home: Path, tmp_path: Path) -> None:
    """Configurations that make no sense, or cannot be, are one clear line of the right kind."""
    for config, kind, reason in (
        (SandboxConfig(layers=(Layer(target="x", sources=(tmp_path,)),)), UsageError, None),
        (SandboxConfig(layers=(Layer(target="/x", sources=(tmp_path / "none",)),)), SandboxStartError, ""),
        (SandboxConfig(image="r2egym/none:none"), SandboxStartError, "missing-image"),
        (SandboxConfig(rootfs=tmp_path), SandboxStartError, "engine"),
    ):
        with pytest.raises(kind) as caught:
            docker.open(config)
        assert "\n" not in str(caught.value)
        assert getattr(caught.value, "reason", None) == reason
    missing = DockerBackend(home, base="r2egym/none:none", engine=docker.engine)
    with pytest.raises(SandboxStartError, match="base image r2egym/none:none") as caught:
        missing.run(SandboxConfig(), ["true"])
    assert caught.value.reason == "missing-image"


def test_backend_by_name(docker: DockerBackend, home: Path) -> None:
    """The backend is found under its name."""
    assert open_backend("docker", home).name == "docker"
