"""Attempts of mixed quality at the demo's tasks, made without a model: something to choose among.

    r2egym demo --limit 0 --out DIR
    python examples/verifiers/attempts.py DIR

At each task six attempts are made: one puts the gold patch in place, one does nothing, one breaks what it touches, one plants a
conftest.py that reports every test as passed, one solves it in another way and one nearly does (both by patches that come with the
demo; where there is none, they leave a comment). Each is a real rollout, graded as any other. DIR/attempts is the run.
"""

# ruff: noqa: INP001, T201 -- a script

import json
import shlex
import sys
from collections import Counter
from pathlib import Path

from r2egym import settings
from r2egym.agents import patching
from r2egym.demo import unpack
from r2egym.environment import Facilities
from r2egym.mining import parse_patch
from r2egym.records import Task
from r2egym.rollouts import Run, RunOptions, agent_spec
from r2egym.sandboxes import open_backend
from r2egym.tasks import load_dataset

KINDS = ("noop", "cheat", "break", "another", "gold", "nearly")
"""The attempts, in an order that tells nothing."""
CHEAT = """
import pytest


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    outcome.get_result().outcome = "passed"
"""


def source_of(task: Task) -> str:
    """A file that the gold patch changes, one of source where there is one."""
    paths = [part.path for part in parse_patch(task.patch)]
    return max(paths, key=lambda path: (path.endswith(".py"), not path.endswith("__init__.py")))


def shell(command: str) -> dict:
    """A turn that runs a command."""
    return {"name": "execute_bash", "arguments": {"cmd": command}}


def turns(task: Task, bundled: dict[tuple[str, float], str]) -> dict[str, list]:
    """What each kind of attempt does at a task."""
    path = shlex.quote(source_of(task))
    comment = [shell(f"printf '\\n# as it was\\n' >> {path}")]
    plant = {"command": "create", "path": "/testbed/conftest.py", "file_text": CHEAT}
    found = {
        "gold": patching(task.patch),
        "noop": [],
        "break": [shell(f"sed -i 's/^    return .*/    return None/' {path}")],
        "cheat": [{"name": "file_editor", "arguments": plant}, *comment],
    }
    for name, score in (("another", 1.0), ("nearly", 0.0)):
        patch = bundled.get((task.fix_commit, score))
        found[name] = patching(patch) if patch else comment
    return found


def main(folder: Path) -> None:
    """Write the script, and run it."""
    dataset = load_dataset(folder / "tasks")
    bundled = {(case.commit, case.score): case.patch for case in unpack(folder / "bundled").patches}
    script = {}
    for task in dataset:
        done = turns(task, bundled)
        script |= {f"{task.instance_id}#{number}": done[kind] for number, kind in enumerate(KINDS)}
    path = folder / "attempts.json"
    path.write_text(json.dumps(script))
    rows = [(task, dataset.root) for task in dataset]
    home, source = settings.load().home, str(folder / "tasks")
    with Facilities(home, open_backend("bubblewrap", home)) as facilities:
        options = RunOptions(attempts=len(KINDS))
        run = Run(folder / "attempts", rows, agent_spec(f"script:{path}"), options, facilities, source=source)
        right = Counter(KINDS[summary.attempt] for summary in run if summary.resolved)
    for kind in KINDS:
        print(f"{kind:<10} {right[kind]} of {len(rows)} resolved")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
