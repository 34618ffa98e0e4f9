"""What rows lead to in the dataset's own folder: a bundle of a repository without a URL, and the wheels of their locks."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from r2egym.building.recipe_files import fallback_text
from r2egym.curation.installs import Install
from r2egym.errors import DatasetError
from r2egym.mining import Repository
from r2egym.mining.plumbing import common_dir, empty_git_dir, run_git
from r2egym.records import Recipe, Task
from r2egym.tasks.store import replacing

_UPLOADS = "uploads.json"
_SEPARATORS = re.compile(r"[-_.]+")


def attach(out: Path, repository: Repository, tasks: Sequence[Task], index: Path | None) -> None:
    """Write ``repos/NAME.bundle`` and ``index/`` as far as the tasks need them."""
    if tasks and repository.url is None:
        write_bundle(out / "repos" / f"{repository.name}.bundle", repository, tasks)
    if tasks and index is not None:
        copy_wheels(index, out / "index", tasks)


def keep_installs(out: Path, name: str, installs: Mapping[str, Install]) -> None:
    """Write ``recipes/NAME.toml``, and what was asked and answered on the way as ``installs/NAME__COMMIT.json``.

    Args:
        out: the dataset's folder.
        name: of the repository.
        installs: commit of the fix → what was done where discovery failed.
    """
    found: dict[tuple[int, str], tuple[str, Recipe]] = {}
    for commit, install in sorted(installs.items()):
        label = f"installs/{name}__{commit[:12]}.json"
        if install.model:
            _write_text(out / label, json.dumps(install.model_dump(mode="json"), indent=2) + "\n")
        if install.recipe is not None:
            key = install.number, install.recipe.model_dump_json()
            if install.model or key not in found:
                found[key] = (f"How it was found: {label}" if install.model else "", install.recipe)
    if found:
        _write_text(out / "recipes" / f"{name}.toml", fallback_text([found[key] for key in sorted(found)]))


def _write_text(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as aside:
        aside.write_text(text, encoding="utf-8")


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
