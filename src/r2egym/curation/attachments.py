"""What rows lead to in the dataset's own folder: a bundle of a repository without a URL, and the wheels of their locks."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from r2egym.errors import DatasetError
from r2egym.mining import Repository
from r2egym.mining.plumbing import common_dir, empty_git_dir, run_git
from r2egym.records import Task
from r2egym.tasks.store import replacing

_UPLOADS = "uploads.json"
_SEPARATORS = re.compile(r"[-_.]+")


def attach(out: Path, repository: Repository, tasks: Sequence[Task], index: Path | None) -> None:
    """Write ``repos/NAME.bundle`` and ``index/`` as far as the tasks need them."""
    if tasks and repository.url is None:
        write_bundle(out / "repos" / f"{repository.name}.bundle", repository, tasks)
    if tasks and index is not None:
        copy_wheels(index, out / "index", tasks)


def write_bundle(path: Path, repository: Repository, tasks: Sequence[Task]) -> None:
    """Everything that the tasks' commits reach, in one file; equal tasks give equal bytes.

    A bundle is for graders and curators. An agent never sees it: its ``.git`` is made from the base commit alone.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".bundle-", dir=path.parent) as name, replacing(path) as aside:
        git_dir = empty_git_dir(Path(name) / "git")
        objects = [common_dir(repository.path) / "objects"]
        refs = "".join(f"create refs/heads/{task.instance_id} {task.fix_commit}\n" for task in tasks)
        refs += "".join(
            f"create refs/tests/{task.instance_id} {task.tests_commit}\n"
            for task in tasks
            if task.tests_commit
        )
        run_git(["update-ref", "--stdin"], git_dir=git_dir, objects=objects, stdin=refs.encode())
        options = ["-c", "pack.threads=1", "-c", "core.compression=9"]
        run_git([*options, "bundle", "create", "-q", str(aside), "--all"], git_dir=git_dir, objects=objects)


def copy_wheels(index: Path, target: Path, tasks: Sequence[Task]) -> None:
    """The wheels that any lock of the tasks names, with their upload times.

    Raises:
        DatasetError: the wheel folder's ``uploads.json`` cannot be read.
    """
    wanted = {
        _identity(*entry.split(" ")[0].split("==")) for task in tasks for entry in task.environment.lock
    }
    try:
        uploads = json.loads((index / _UPLOADS).read_text())
    except (OSError, ValueError) as error:
        raise DatasetError(f"{index / _UPLOADS}: cannot be read: {error}") from None
    target.mkdir(parents=True, exist_ok=True)
    kept = {}
    for wheel in sorted(index.glob("*.whl")):
        if _identity(*wheel.name.split("-")[:2]) in wanted:
            with replacing(target / wheel.name) as aside:
                shutil.copyfile(wheel, aside)
            kept[wheel.name] = uploads.get(wheel.name)
    with replacing(target / _UPLOADS) as aside:
        aside.write_text(json.dumps(kept, indent=2, sort_keys=True) + "\n")


def _identity(name: str, version: str = "") -> tuple[str, str]:
    return _SEPARATORS.sub("-", name).lower(), version
