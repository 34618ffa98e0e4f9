"""Images of tasks: shared layers, content-addressed names, nothing of the fix in any layer, and nothing touched but ours."""

import io
import json
import shutil
import subprocess
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.system.engines import install_packages

from r2egym.environment import Facilities
from r2egym.environment.images import TaskImages
from r2egym.errors import SandboxStartError
from r2egym.records import Task
from r2egym.sandboxes.docker import DockerBackend
from r2egym.tasks import Dataset

pytestmark = pytest.mark.system
PORT = 5055


@pytest.fixture
def images(docker: DockerBackend, home: Path, bundled: Dataset) -> Iterator[TaskImages]:
    """The images of the bundled tasks."""
    with Facilities(home, docker) as facilities:
        yield TaskImages(facilities, bundled.root, f"localhost:{PORT}/r2egym")


def unpack_layers(docker: DockerBackend, name: str, folder: Path) -> None:
    """Every layer of an image, in a folder of its own."""
    saved = io.BytesIO(b"".join(docker.engine.api.get_image(name)))
    with tarfile.open(fileobj=saved) as archive:
        (manifest,) = json.load(archive.extractfile("manifest.json"))  # type: ignore[arg-type]
        for number, layer in enumerate(manifest["Layers"]):
            with tarfile.open(fileobj=archive.extractfile(layer)) as content:
                content.extractall(folder / str(number), filter="tar")


def locked(task: Task) -> tuple[object, ...]:
    """What its dependencies are."""
    return (task.environment.recipe.python, task.environment.lock)


def digests(docker: DockerBackend, name: str) -> list[str]:
    """Of its layers."""
    return list(docker.engine.api.inspect_image(name)["RootFS"]["Layers"])


def test_nothing_of_the_fix(
    docker: DockerBackend, images: TaskImages, bundled: Dataset, tmp_path: Path
) -> None:
    """Every layer is unpacked: no hidden test, no line of the fix, no commit that the base does not reach."""
    for number, (task, built) in enumerate(zip(bundled.tasks, images.build(bundled.tasks), strict=True)):
        root = tmp_path / str(number)
        unpack_layers(docker, built.image, root)
        whole = [path for path in root.rglob("*") if path.is_file() and not path.is_symlink()]
        assert whole
        told = secrets(task)
        for path in whole:
            content = path.read_bytes()
            assert not [secret for secret in told if secret in content], path
        repositories = [path.parent for path in root.rglob("HEAD") if (path.parent / "objects").is_dir()]
        assert len(repositories) == 2  # the agent's, and the untouched copy that its patch is told from
        for git_dir in repositories:
            assert reachable(git_dir, task.base_commit) == everything(git_dir)
            assert not (git_dir / "objects/info/alternates").exists()


def secrets(task: Task) -> list[bytes]:
    """What only the fix knows: hidden tests that differ from the base's, long lines of gold, its commit's hash."""
    added = [
        line[1:].strip() for line in (task.patch + task.test_patch).splitlines() if line.startswith("+ ")
    ]
    removed = {
        line[1:].strip() for line in (task.patch + task.test_patch).splitlines() if line.startswith("-")
    }
    lines = [line for line in added if len(line) > 40 and line not in removed]
    return [line.encode() for line in lines] + [task.fix_commit.encode()]


def git(git_dir: Path, *words: str) -> list[str]:
    """Lines of what git says."""
    command = ["git", "-c", "safe.directory=*", f"--git-dir={git_dir}", *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def reachable(git_dir: Path, commit: str) -> set[str]:
    """Objects that a commit reaches."""
    return {line.split()[0] for line in git(git_dir, "rev-list", "--objects", commit)}


def everything(git_dir: Path) -> set[str]:
    """All objects there are."""
    listed = git(git_dir, "cat-file", "--batch-all-objects", "--batch-check=%(objectname)")
    return set(listed)


def test_layers_are_shared(docker: DockerBackend, images: TaskImages, bundled: Dataset) -> None:
    """Tasks with one lock share all layers up to the dependencies; the same task has the same name and id again."""
    names = [built.image for built in images.build(bundled.tasks)]
    first = bundled.tasks[0]
    alike = [name for name, task in zip(names, bundled.tasks, strict=True) if locked(task) == locked(first)]
    assert len(alike) > 1
    for name in alike[1:]:
        common = [a for a, b in zip(digests(docker, alike[0]), digests(docker, name), strict=False) if a == b]
        assert len(common) >= 4  # system, places, interpreter, dependencies
    identity = docker.engine.api.inspect_image(names[0])["Id"]
    assert identity.removeprefix("sha256:").startswith(names[0].partition(":")[2])
    assert [image.state for image in images.prune([first])] == ["removed"]
    assert [image.state for image in images.prune([first])] == ["absent"]
    assert [(image.image, image.state) for image in images.build([first])] == [(names[0], "built")]
    assert docker.engine.api.inspect_image(names[0])["Id"] == identity


def test_prune_touches_nothing_else(docker: DockerBackend, images: TaskImages, bundled: Dataset) -> None:
    """Somebody else's image, and one that is in use, are there afterwards."""
    (built,) = images.build(bundled.tasks[:1])
    api = docker.engine.api
    other = api.import_image_from_data(_empty(), repository="somebody/else", tag="1")
    assert other
    user = api.create_container(built.image, ["/bin/true"])["Id"]
    try:
        assert [image.state for image in images.prune(bundled.tasks[:1])] == ["in use"]
    finally:
        api.remove_container(user, force=True)
    assert docker.images.has("somebody/else:1")
    assert docker.images.has(built.image)
    api.remove_image("somebody/else:1")


def _empty() -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("file"))
    return data.getvalue()


def test_an_agents_sandbox_is_the_image(
    docker: DockerBackend, images: TaskImages, bundled: Dataset, home: Path
) -> None:
    """What was built ahead is what an agent's sandbox starts from."""
    (built,) = images.build(bundled.tasks[:1])
    with Facilities(home, docker) as facilities:
        from r2egym.environment import WorkEnvironment

        with WorkEnvironment(facilities, bundled.tasks[0], root=bundled.root) as work:
            used = docker.engine.api.inspect_container(work.sandbox._ground._first.id)  # type: ignore[attr-defined]
    assert used["Config"]["Image"] == built.image


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    """A registry on this machine."""
    install_packages("docker-registry", program="docker-registry")
    config = tmp_path / "registry.yml"
    config.write_text(
        f"version: 0.1\nstorage: {{filesystem: {{rootdirectory: {tmp_path / 'data'}}}}}\nhttp: {{addr: 'localhost:{PORT}'}}\n"
    )
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [shutil.which("docker-registry") or "", "serve", str(config)], stdout=log, stderr=log
        )
    time.sleep(0.5)
    yield f"localhost:{PORT}"
    process.terminate()
    process.wait(20)


def test_through_a_registry(
    docker: DockerBackend, images: TaskImages, bundled: Dataset, registry: str
) -> None:
    """An image that was pushed comes back as the same one; what is not there is one clear line."""
    task = bundled.tasks[:1]
    with pytest.raises(SandboxStartError) as caught:
        list(images.prune(task)) and list(images.pull(task))
    assert caught.value.reason == "missing-image"
    (pushed,) = images.push(task)
    list(images.prune(task))
    assert not docker.images.has(pushed.image)
    assert [(image.image, image.state) for image in images.pull(task)] == [(pushed.image, "pulled")]
    assert [image.state for image in images.pull(task)] == ["there"]
    assert [name for one in docker.engine.api.images(registry) for name in one["RepoTags"]] == []
