"""The README's two commands on a fresh Debian 12 that has Python 3.11, git and make, and nothing else.

The machine is unpacked by debootstrap and entered by ``pivot_root`` in a mount and PID namespace of its own, not by
``chroot``: the kernel refuses user namespaces to whoever stands in a chroot, which a real machine does not. The
network, the kernel and its limits are this machine's; pip's and uv's configuration are not, but for a proxy, an index or a certificate
that the environment names, without which this network might not be usable at all.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.system.engines import debootstrap

pytestmark = pytest.mark.system

PACKAGES = "python3,git,make"
ENTER = """
mount --bind "$1" "$1"
mount -t proc proc "$1/proc"
mount --rbind /dev "$1/dev"
mount --rbind /sys "$1/sys"
cd "$1"
pivot_root . mnt
umount -l /mnt
cd /
shift
exec "$@"
"""
ROOMS = "tests/sandboxes/test_bubblewrap_conformance.py tests/environment/test_gym.py tests/test_setup.py"
CLONE = "{ [ -d r2egym ] || git clone --quiet /srv/r2egym.bundle r2egym; } && cd r2egym"
NETWORK = ("http_proxy", "https_proxy", "no_proxy", "UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL")


@dataclass(frozen=True)
class FreshMachine:
    """An unpacked Debian with a copy of this project to clone, and an ordinary user ``tester``."""

    root: Path

    def run(self, user: str, script: str, *, timeout: float) -> subprocess.CompletedProcess[str]:
        """Run ``script`` as ``user`` in a new login; whatever it leaves behind dies with its PID namespace."""
        enter = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation", "private"]
        login = ["su", "-", user, "-c", f"{self._exports()}\n{script}"]
        command = [*enter, "sh", "-ec", ENTER, "sh", str(self.root), *login]
        env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
        return subprocess.run(
            command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, errors="replace", timeout=timeout, check=False,
        )  # fmt: skip

    def _exports(self) -> str:
        settings = {name: os.environ[name] for name in NETWORK if os.environ.get(name)}
        if os.environ.get("SSL_CERT_FILE"):
            shutil.copy(os.environ["SSL_CERT_FILE"], self.root / "srv" / "ca.pem")
            settings["SSL_CERT_FILE"] = "/srv/ca.pem"
        return "\n".join(f"export {name}='{value}'" for name, value in settings.items())


@pytest.fixture(scope="session")
def fresh_machine(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FreshMachine]:
    """A Debian 12 that nobody has touched; taken away at the end."""
    root = tmp_path_factory.mktemp("debian") / "root"
    debootstrap(root, PACKAGES)
    root.chmod(0o755)
    bundle = root / "srv" / "r2egym.bundle"
    subprocess.run(["git", "bundle", "create", "-q", str(bundle), "HEAD"], cwd=project, check=True)
    machine = FreshMachine(root)
    added = machine.run("root", "useradd --create-home --shell /bin/bash tester", timeout=60)
    assert added.returncode == 0, added.stdout
    yield machine
    shutil.rmtree(root, ignore_errors=True)


def tail(text: str, lines: int = 60) -> str:
    """The end of what a command printed."""
    return "\n".join(text.splitlines()[-lines:])


@pytest.mark.parametrize("user", ["root", "tester"])
def test_demo_from_nothing(fresh_machine: FreshMachine, user: str) -> None:
    """`make demo` sets itself up and ends well, for root and for an ordinary user."""
    run = fresh_machine.run(user, f'{CLONE} && make demo DEMO="--limit 1"', timeout=2400)
    assert run.returncode == 0, tail(run.stdout)
    again = fresh_machine.run(user, "cd r2egym && python3 scripts/bootstrap.py run", timeout=300)
    assert again.stdout == "", "the second set-up had something to do"


def test_tests_from_nothing(fresh_machine: FreshMachine) -> None:
    """The tests that a machine can make fail pass for an ordinary user, in the same clone, and end in pytest's count."""
    run = fresh_machine.run("tester", f"{CLONE} && make pytest PYTEST='{ROOMS}'", timeout=2400)
    assert run.returncode == 0, tail(run.stdout)
    assert re.search(r"\d+ passed", run.stdout), tail(run.stdout)


def test_uv_alone_sets_up_too(fresh_machine: FreshMachine) -> None:
    """Whoever has uv needs no make: `uv sync` in a clone, and the command is there."""
    tool = f"({CLONE} && python3 scripts/bootstrap.py run) && PATH=$(echo $PWD/r2egym/.uv/[0-9]*):$PATH"
    clone = "git clone --quiet /srv/r2egym.bundle quick && cd quick && uv venv -q && . .venv/bin/activate"
    install = "uv sync -q && uv pip install -q -e . && r2egym --version"
    run = fresh_machine.run("tester", f"{tool} && {clone} && {install}", timeout=1200)
    assert run.returncode == 0, tail(run.stdout)


def test_moved_clone_mends_itself(fresh_machine: FreshMachine) -> None:
    """A clone that was moved, or whose .venv is half there, is set up anew without a word from the user."""
    move = f"{CLONE} && python3 scripts/bootstrap.py run && mv ../r2egym ../moved && cd ../moved"
    check = "python3 scripts/bootstrap.py run && .venv/bin/python -c 'import pydantic, r2egym.records'"
    harm = "rm -r .venv/bin"
    run = fresh_machine.run("tester", f"{move} && {check} && {harm} && {check}", timeout=1200)
    assert run.returncode == 0, tail(run.stdout)
