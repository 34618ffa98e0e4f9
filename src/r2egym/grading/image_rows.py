"""Grading rows that name an image of the published shape, by the row's own script, with what we demand beside it.

A fresh sandbox of the cleaned image; of the patch only what may be applied; hidden tests and script put back after that, in
places that nothing of the patch can have reached. The script's log is read once, strictly, and judged twice: ``published`` wants the whole map of
statuses equal, ``resolved`` wants every test that the row expects to pass to pass, whatever the others do.

Weaker than grading a row with an environment: tests run in one process with the code under test and say themselves how they ended, so
none of them is sealed. What the patch prints in the form of a summary is taken for one.
"""

from __future__ import annotations

import posixpath
import sys
from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from typing import NamedTuple

from r2egym.building.published_images import TESTBED, TESTS, PublishedImage, image_of, prepare_image
from r2egym.errors import SandboxError
from r2egym.grading.published import parse_summary, published_reward, published_statuses
from r2egym.grading.surface import Surface, divide
from r2egym.mining import parse_patch
from r2egym.mining.plumbing import run_git
from r2egym.records import Failure, Reward, Task, TestStatus
from r2egym.sandboxes.base import Backend, Sandbox

_SCRIPT = f"""\
cd {TESTBED}
PYTHONWARNINGS='ignore::UserWarning,ignore::SyntaxWarning' .venv/bin/python -W ignore -m pytest -rA {TESTS}
"""
"""What published rows are run by, for an image that brought no script. Warnings would be counted as output."""
_PLACES = frozenset({TESTS, "run_tests.sh", "pyproject.toml", "setup.cfg"})
"""Where grading puts its own, and what the runner reads its settings from: the base's stay."""
_OTHERS_MODULES = sys.stdlib_module_names | {
    "_pytest", "attr", "attrs", "colorama", "exceptiongroup", "importlib_metadata", "iniconfig", "more_itertools",
    "packaging", "pluggy", "py", "pygments", "pytest", "six", "toml", "tomli", "typing_extensions", "zipp",
}  # fmt: skip
_LINKS = frozenset({b"120000", b"160000"})
_APPLY_SECONDS = 120.0
_LOG = 1 << 26


class Run(NamedTuple):
    """What one run of the script said."""

    statuses: dict[str, TestStatus]
    """Under published names."""
    timed_out: bool
    killed: bool
    note: str = ""
    """Why there was no run."""
    verdict: bool = False
    """What somebody else's judge said of it, where one was asked."""


class ImageGrader:
    """Grades patches on rows that name an image; safe for threads.

    Args:
        backend: has images.
        home: ``$R2EGYM_HOME``.
        timeout: wall seconds of a run of the script.
    """

    def __init__(self, backend: Backend, home: Path, timeout: float) -> None:
        self.backend = backend
        self._home = home
        self.timeout = timeout
        self._gold: dict[str, bool] = {}
        self._lock = Lock()

    def grade(self, task: Task, patch: str) -> Reward:
        """Grade one patch. Raises R2EGymError when the machinery fails, PatchError for what is no patch."""
        image = prepare_image(self.backend, self._home, task)
        surface = self.divide(image, task, patch)
        run = self.run(image, task, surface)
        if (run.timed_out or run.killed) and not self._holds(image, task):
            cause = f"{cause_of(run)}, and gold does not pass either"
            return Reward(
                instance_id=task.instance_id,
                resolved=None,
                score=None,
                failure=Failure(boundary="grader", cause=cause, policy_could_cause=True),
            )
        return self.reward(task, run, surface)

    def divide(self, image: PublishedImage, task: Task, patch: str) -> Surface:
        """What of a patch is applied. Raises PatchError for what is none."""
        listing = run_git(("ls-tree", "-r", "-z", task.base_commit), git_dir=image.git)
        entries = [entry.partition(b"\t") for entry in listing.split(b"\0") if entry]
        links = {_name(path) for mode, _, path in entries if mode[:6] in _LINKS}
        there = {_name(path).partition("/")[0] for _, _, path in entries}
        parts = parse_patch(patch)
        shadows = {
            path for part in parts for path in part.paths if _shadows(path) and _top(path) not in there
        }
        return divide(parts, is_link=links.__contains__, hidden=_PLACES | shadows)

    def run(self, image: PublishedImage, task: Task, surface: Surface) -> Run:
        """Run the row's script on the patched source, in a sandbox of its own."""
        with self.backend.open(image.config()) as box:
            if surface.applied and (why := apply_patch(box, "".join(part.text for part in surface.applied))):
                return Run({}, timed_out=False, killed=False, note=f"the patch does not apply: {why}")
            script = _put_back(box, image, task)
            done = box.exec(["/bin/bash", script], cwd=TESTBED, timeout=self.timeout, output_limit=_LOG)
        said = parse_summary(done.stdout) or parse_summary(done.stderr)
        killed = bool(done.limits_hit) or done.exit_code == 137  # noqa: PLR2004 - SIGKILL
        return Run(published_statuses(said), timed_out=done.timed_out, killed=killed)

    def reward(self, task: Task, run: Run, surface: Surface) -> Reward:
        """What a run says, judged by both rules."""
        expected = task.gold_statuses
        seen = run.statuses
        wanted = [test for test, status in expected.items() if status is TestStatus.PASSED]
        resolved = (
            bool(wanted) and not run.timed_out and all(seen.get(test) is TestStatus.PASSED for test in wanted)
        )
        f2p, p2p = (_statuses(tests, seen) for tests in (task.fail_to_pass, task.pass_to_pass))
        return Reward(
            instance_id=task.instance_id,
            resolved=resolved,
            score=float(resolved),
            f2p=f2p,
            p2p=p2p,
            published=0 if run.timed_out else published_reward(expected, seen),
            ignored=surface.ignored,
            seal=dict.fromkeys(task.fail_to_pass, "none"),
            note=run.note
            or cause_of(run)
            or (
                ""
                if surface.applied
                else "nothing of the patch was applied"
                if surface.ignored
                else "the patch is empty"
            ),
        )

    def _holds(self, image: PublishedImage, task: Task) -> bool:
        """Whether gold passes on this grader."""
        with self._lock:
            if task.instance_id not in self._gold:
                run = self.run(image, task, self.divide(image, task, task.patch))
                self._gold[task.instance_id] = bool(self.reward(task, run, Surface((), ())).resolved)
            return self._gold[task.instance_id]


def _name(path: bytes) -> str:
    return path.decode(errors="replace")


def _top(path: str) -> str:
    return path.partition("/")[0]


def _shadows(path: str) -> bool:
    """Whether a file would be imported in place of Python's own or the runner's: scripts run with ``/testbed`` in front."""
    return _top(path).partition(".")[0] in _OTHERS_MODULES


def apply_patch(box: Sandbox, patch: str) -> str:
    """Apply a patch; why it does not, or nothing."""
    box.write_file("/tmp/r2egym.patch", patch)  # noqa: S108 - in the box
    command = ["git", "-c", "safe.directory=*", "apply", "--whitespace=nowarn", "/tmp/r2egym.patch"]  # noqa: S108
    done = box.exec(command, cwd=TESTBED, timeout=_APPLY_SECONDS)
    box.exec(["rm", "-f", "/tmp/r2egym.patch"])  # noqa: S108
    return (done.stderr.strip().splitlines() or ["git failed"])[0] if done.exit_code else ""


def _put_back(box: Sandbox, image: PublishedImage, task: Task) -> str:
    """Put tests and script in place, and nothing else beside them; where the script is."""
    folder = f"{TESTBED}/{TESTS}"
    box.exec(["rm", "-rf", folder, f"/{TESTS}", f"{TESTBED}/run_tests.sh"])
    box.upload(image.tests, folder)
    for file in task.hidden_tests.files:
        box.write_file(posixpath.join(folder, posixpath.basename(file.path)), file.content)
    if box.exec(["ln", "-s", folder, f"/{TESTS}"]).exit_code:
        raise SandboxError(f"{image_of(task)}: hidden tests cannot be put back")
    script = "/run_tests.sh" if image.conda else f"{TESTBED}/run_tests.sh"
    box.write_file(script, image.script or _SCRIPT, mode=0o755)
    return script


def _statuses(tests: tuple[str, ...], seen: Mapping[str, TestStatus]) -> dict[str, TestStatus]:
    return {test: seen.get(test, TestStatus.MISSING) for test in tests}


def cause_of(run: Run) -> str:
    """Why a run came to no good end; empty when it did."""
    if run.timed_out:
        return "the tests ran into their time limit"
    return "the tests were ended by SIGKILL or a limit" if run.killed else ""
