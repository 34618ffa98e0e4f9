"""An image and a row of exactly the published shape, made of a bundled task.

The image has all that published images have: the work tree at the fix's parent with ``.venv`` in it, ``run_tests.sh``, the tests under
``/r2e_tests``, and a ``.git`` with the fix, a remote, tags, a stash and a reflog.
"""

import io
import json
import subprocess
import tarfile
import zipfile
from pathlib import Path
from typing import Any

from r2egym.records import Task
from r2egym.sandboxes.docker import DockerBackend
from r2egym.tasks import to_row

PUBLISHED = (
    "repo_name", "docker_image", "commit_hash", "parsed_commit_content", "execution_result_content",
    "modified_files", "modified_entity_summaries", "relevant_files", "num_non_test_files",
    "num_non_test_func_methods", "num_non_test_lines", "prompt", "problem_statement", "expected_output_json",
)  # fmt: skip
SCRIPT = """\
PYTHONWARNINGS='ignore::UserWarning,ignore::SyntaxWarning' .venv/bin/python -W ignore -m pytest -rA r2e_tests
"""


def published_row(task: Task, image: str) -> dict[str, Any]:
    """The fourteen columns; hidden tests are called as published ones are."""
    row = {name: value for name, value in to_row(task).items() if name in PUBLISHED}
    run = json.loads(row["execution_result_content"])
    run["test_file_names"] = [f"test_{number}.py" for number, _ in enumerate(run["test_file_names"], 1)]
    return row | {"docker_image": image, "execution_result_content": json.dumps(run)}


def git(folder: Path, *words: str) -> str:
    """What git says."""
    command = ["git", "-c", "user.name=x", "-c", "user.email=x@example.invalid", "-C", str(folder), *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def work_tree(task: Task, bundle: Path, folder: Path) -> None:
    """A clone at the fix's parent that knows all that came after."""
    subprocess.run(["git", "clone", "-q", str(bundle), str(folder)], check=True)
    git(folder, "tag", "-a", "later", "-m", "x", task.fix_commit)
    git(folder, "tag", "earlier", task.base_commit)
    git(folder, "checkout", "-q", task.fix_commit)
    (folder / "README.md").write_text("stashed\n")
    git(folder, "stash", "-q")
    git(folder, "checkout", "-q", task.base_commit)
    git(folder, "branch", "future", task.fix_commit)


def make_image(docker: DockerBackend, base: str, task: Task, root: Path, scratch: Path, name: str) -> None:
    """Build the image with the engine's own means; ``root`` is the dataset's folder."""
    work_tree(task, root / task.environment.repository, scratch / "testbed")
    (scratch / "runner").mkdir()
    roots = [f"/testbed/{root}" for root in task.environment.recipe.source_roots]
    (scratch / "runner/project.pth").write_text("".join(f"{root}\n" for root in roots))  # installed, editable
    for line in task.environment.lock:
        distribution, version = line.split(" ")[0].split("==")
        (wheel,) = (root / "index").glob(f"{distribution.replace('-', '_')}-{version}-*.whl")
        with zipfile.ZipFile(wheel) as content:
            content.extractall(scratch / "runner")
    row = published_row(task, name)
    run = json.loads(row["execution_result_content"])
    (scratch / "testbed/run_tests.sh").write_text(SCRIPT)
    (scratch / "r2e_tests").mkdir()
    for file, code in zip(run["test_file_names"], run["test_file_codes"], strict=True):
        (scratch / "r2e_tests" / file).write_text(code)
    api = docker.engine.api
    made = api.create_container(
        base,
        [
            "/bin/bash",
            "-c",
            "cd /testbed && python3 -m venv --without-pip .venv && cp -r /runner/* .venv/lib/python3*/site-packages/",
        ],
        host_config=api.create_host_config(network_mode="none"),
    )["Id"]
    try:
        api.put_archive(made, "/", _archive(scratch))
        api.start(made)
        assert api.wait(made)["StatusCode"] == 0, api.logs(made)
        api.commit(made, *name.rsplit(":", 1))
    finally:
        api.remove_container(made, force=True)


def _archive(scratch: Path) -> bytes:
    def as_root(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        entry.uid = entry.gid = 0
        return entry

    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        for part in ("testbed", "r2e_tests", "runner"):
            archive.add(scratch / part, part, filter=as_root)
    return data.getvalue()
