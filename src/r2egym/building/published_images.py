"""Images of the published shape, made fit for agents: what grading needs is taken off, and the future leaves ``.git``.

Such an image holds the work tree of the fix's parent at ``/testbed`` (with ``.venv``), a script that runs the hidden tests, and those
tests, under ``/r2e_tests``. Its ``.git`` holds the fix as well, and whatever came after. An image without all that is made of it once and
kept by the engine: tests and script are read out and removed, not moved; ``.git`` is written anew from what the base commit
reaches, and a census over all of its objects must agree.

Limits: the image itself is trusted to be what was published, git in it included. Copies of tests elsewhere in it are not looked for.
"""

from __future__ import annotations

import hashlib
import io
import json
import shlex
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from r2egym.errors import BuildError, SandboxError, SandboxFileError, UsageError
from r2egym.records import Task
from r2egym.sandboxes.base import Backend, Layer, Limits, Sandbox, SandboxConfig

if TYPE_CHECKING:
    from r2egym.sandboxes.docker import DockerBackend

TESTBED = "/testbed"
TESTS = "r2e_tests"
"""Name of the folder of hidden tests."""
_SCRIPTS = ("/testbed/run_tests.sh", "/run_tests.sh", "/root/run_tests.sh")
_FOLDERS = (f"/{TESTS}", f"{TESTBED}/{TESTS}", f"/root/{TESTS}")
_CONDA = "/opt/miniconda3/envs/testbed/bin:/opt/miniconda3/bin:"
_PATH = (
    f"{TESTBED}/.venv/bin:/root/.venv/bin:/root/.local/bin:/root/.cargo/bin:"
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
)
_SECONDS = 600.0
_VERSION = 1
"""Of what is done to an image: another number, another image."""
_CLEAN = """\
set -euo pipefail
cd /testbed
export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null LC_ALL=C
base=$1 new=$(mktemp -d /tmp/XXXXXXXX)
git() { command git -c safe.directory='*' -c gc.auto=0 "$@"; }
git cat-file -e "$base^{commit}"
tags=$(git for-each-ref --merged="$base" --format='%(objectname) %(refname)' refs/tags)
command git init -q --bare --template= "$new/git"
[ ! -f .git/shallow ] || cp .git/shallow "$new/git/shallow"
{ echo "$base"; cut -d' ' -f1 <<<"$tags"; } | git pack-objects --revs --stdout -q | command git --git-dir="$new/git" index-pack --stdin >/dev/null
rm -rf .git
mv "$new/git" .git
command git config -f .git/config core.bare false
git update-ref refs/heads/main "$base"
[ -z "$tags" ] || while read -r object name; do git update-ref "$name" "$object"; done <<<"$tags"
git symbolic-ref HEAD refs/heads/main
git read-tree "$base"
mkdir -p .git/info
git ls-files --others --directory | sed 's,^"*,/,' >.git/info/exclude
git update-index -q --refresh || true
rm -rf "$new" .git/logs
comm -3 <(git rev-list --objects --all | cut -d' ' -f1 | sort) \
    <(git cat-file --batch-all-objects --batch-check='%(objectname)' | sort) >/tmp/census
[ ! -s /tmp/census ] || { echo "objects beyond the base are left" >&2; exit 3; }
rm -f /tmp/census
git rev-list --objects --all | wc -l
"""


@dataclass(frozen=True)
class PublishedImage:
    """A published image that is fit for agents, and what was taken off it."""

    image: str
    """Its name."""
    git: Path
    """A copy of its ``.git``."""
    tests: Path
    """The hidden tests that it held; empty when it held none."""
    script: str
    """What runs them; empty when it held none."""
    objects: int
    """In its ``.git``, all of them reachable from the base."""
    conda: bool = False
    """Whether it has SWE-bench's environment rather than ``/testbed/.venv``."""

    def config(self, *, extra: tuple[Layer, ...] = (), limits: Limits | None = None) -> SandboxConfig:
        """A sandbox of it, as the user that published images are made for."""
        return SandboxConfig(
            image=self.image,
            layers=extra,
            env={"PATH": (_CONDA if self.conda else "") + _PATH, "VIRTUAL_ENV": f"{TESTBED}/.venv"},
            cwd=TESTBED,
            uid=0,
            limits=limits or Limits(),
        )


def image_of(task: Task) -> str:
    """The image that a row of the published shape names; empty when the row holds an environment of its own."""
    return "" if task.environment.repository else str(task.published.get("docker_image") or "")


def prepare_image(backend: Backend, home: Path, task: Task) -> PublishedImage:
    """Make a row's image fit for agents; once, and pulled when the engine has it not.

    Raises:
        UsageError: the backend has no images.
        SandboxError: the image cannot be had or started.
        BuildError: it is not of the published shape; ``reason`` is ``bad-image``.
    """
    name = image_of(task)
    if backend.name != "docker":
        raise UsageError(
            f"{task.instance_id}: this row names an image ({name}) and no environment; use --sandbox docker"
        )
    docker: DockerBackend = backend  # type: ignore[assignment]
    key = hashlib.sha256(f"{_VERSION} {docker.images.bring(name)} {task.base_commit}".encode()).hexdigest()[
        :32
    ]
    folder = home / "docker/published" / key
    clean = f"r2egym/published:{key}"
    if not ((folder / "note.json").is_file() and docker.images.has(clean)):
        _make(docker, name, clean, folder, task)
    note = json.loads((folder / "note.json").read_text())
    return PublishedImage(
        clean, folder / "git", folder / "tests", note["script"], note["objects"], note["conda"]
    )


def _make(docker: DockerBackend, name: str, clean: str, folder: Path, task: Task) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(dir=folder.parent, prefix=".") as aside,
        docker.open(SandboxConfig(image=name, uid=0, limits=Limits(disk_bytes=None))) as box,
    ):
        note = _take_off(box, Path(aside), task)
        docker.keep(box, clean)
        (Path(aside) / "note.json").write_text(json.dumps(note))
        for entry in ("git", "tests", "note.json"):
            folder.mkdir(exist_ok=True)
            if not (folder / entry).exists():
                (Path(aside) / entry).rename(folder / entry)


def _take_off(box: Sandbox, aside: Path, task: Task) -> dict[str, Any]:
    """Read script and tests out, remove them, clean ``.git`` and copy it; what is worth noting."""
    script = next((text for path in _SCRIPTS if (text := _text(box, path))), "")
    (aside / "tests").mkdir()
    for path in _FOLDERS:
        if box.exec(["test", "-d", path]).exit_code == 0:
            _copy_out(box, path, aside / "tests")
            break
    gone = " ".join((*_SCRIPTS, *_FOLDERS, f"{TESTBED}/.pytest_cache"))
    _must(box, f"rm -rf {gone}", task, "hidden tests cannot be removed")
    conda = box.exec(["test", "-d", "/opt/miniconda3/envs/testbed"]).exit_code == 0
    said = _must(
        box,
        f"set -- {shlex.quote(task.base_commit)}\n{_CLEAN}",
        task,
        f"its .git cannot be cleaned of what came after {task.base_commit[:12]}",
    )
    (aside / "git").mkdir()
    _copy_out(box, f"{TESTBED}/.git", aside / "git")
    return {"script": script, "objects": int(said.split()[-1]), "conda": conda}


def _must(box: Sandbox, script: str, task: Task, what: str) -> str:
    done = box.exec(["/bin/bash", "-c", script], timeout=_SECONDS)
    if done.exit_code:
        why = (done.stderr or done.stdout).strip().splitlines()[-1:] or [f"exit code {done.exit_code}"]
        raise BuildError(
            "bad-image", f"{image_of(task)} is no image of the published shape: {what}: {why[0]}", done.stderr
        )
    return done.stdout


def _text(box: Sandbox, path: str) -> str:
    try:
        return box.read_file(path).decode(errors="replace")
    except SandboxFileError:
        return ""


def _copy_out(box: Sandbox, path: str, destination: Path) -> None:
    """Copy a folder of the box here; nothing in it leads out of the destination."""
    archive = f"/tmp/{destination.name}.tar"  # noqa: S108 - in the box
    done = box.exec(["tar", "-C", path, "--sort=name", "-cf", archive, "."], timeout=_SECONDS)
    if done.exit_code:
        raise SandboxError(f"{path} cannot be read out of the image: {done.stderr.strip()[-200:]}")
    data = box.read_file(archive, limit=1 << 32)
    box.exec(["rm", "-f", archive])
    with tarfile.open(fileobj=io.BytesIO(data)) as content:
        content.extractall(destination, filter="data")
