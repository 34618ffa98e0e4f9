"""Runs tests of the demo's commits in a plain checkout, with the running interpreter: no sandbox, none of our graders."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from r2egym.demo import Demo

PLUGIN = """
import json

def pytest_runtest_logreport(report):
    if report.when == "call" or report.outcome != "passed":
        passed = report.outcome == "passed" and not hasattr(report, "wasxfail")
        with open("statuses.jsonl", "a") as file:
            print(json.dumps([report.nodeid, passed]), file=file)
"""


def git(demo: Demo, *arguments: str) -> bytes:
    """What a git command prints in the demo's repository."""
    command = ["git", f"--git-dir={demo.repository}", *arguments]
    return subprocess.run(command, check=True, capture_output=True).stdout


def check_out(demo: Demo, revision: str, directory: Path) -> None:
    """Write the files of a revision to a folder."""
    directory.mkdir(parents=True, exist_ok=True)
    subprocess.run(["tar", "-x"], input=git(demo, "archive", revision), cwd=directory, check=True)


def changed_tests(demo: Demo, fix: str) -> dict[str, bytes | None]:
    """Test-side files that judge a fix, where they differ from its base: path → content, None when they are deleted."""
    commit = demo.outcomes[fix].tests_commit or fix
    names = git(demo, "diff", "--name-status", "--no-renames", "-z", f"{fix}^1", commit, "--", "tests")
    parts = names.decode().split("\0")[:-1]
    return {
        path: None if status == "D" else git(demo, "cat-file", "blob", f"{commit}:{path}")
        for status, path in zip(parts[::2], parts[1::2], strict=True)
    }


def run(
    demo: Demo,
    revision: str,
    tests: dict[str, bytes | None],
    directory: Path,
    *,
    as_of: int,
    tz: str = "UTC",
    patch: str = "",
) -> dict[str, bool]:
    """Run the given test modules on a revision: test id → whether it passed.

    Args:
        demo: the unpacked demo.
        revision: what is checked out; the files of ``tests`` are put over it.
        tests: path → content (None: deleted); its ``test_*.py`` files are run.
        directory: an empty folder to work in.
        as_of: the dependency is the newest full release uploaded before this moment (seconds since 1970).
        tz: time zone of the run.
        patch: applied to the revision before the tests are put over it.
    """
    check_out(demo, revision, directory)
    if patch:
        subprocess.run(["git", "apply", "-"], input=patch.encode(), cwd=directory, check=True)
    modules = []
    for path, content in tests.items():
        target = directory / path
        if content is None:
            target.unlink(missing_ok=True)
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        if target.name.startswith("test_"):
            modules.append(path)
    (directory / "plain_plugin.py").write_text(PLUGIN)
    folders = [directory, directory / "src", dependency(demo, as_of)]
    path = [*map(str, folders), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, path)), "TZ": tz}
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    options = ["-q", "-p", "plain_plugin", "-p", "no:cacheprovider", "--rootdir=.", "-c", os.devnull]
    command = [sys.executable, "-B", "-m", "pytest", *options, *modules]
    subprocess.run(command, cwd=directory, env=environment, capture_output=True, check=False)
    report = directory / "statuses.jsonl"
    return dict(map(json.loads, report.read_text().splitlines())) if report.exists() else {}


def dependency(demo: Demo, as_of: int) -> Path:
    """The wheel of the demo's dependency that a resolver would have taken at that moment; wheels can be imported."""
    uploads = json.loads((demo.index / "uploads.json").read_text())
    full = [name for name in uploads if name.startswith("spoonful-") and "rc" not in name]
    moment = datetime.fromtimestamp(as_of, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return demo.index / max(name for name in full if uploads[name] <= moment)
