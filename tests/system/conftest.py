"""An engine for the tests that need one: the one that answers, else one of Debian's that is started here."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.system.engines import containers, debootstrap, install_packages, passing

from r2egym.curation import CurateConfig, Options, curate
from r2egym.demo import unpack
from r2egym.errors import SandboxError
from r2egym.mining import MiningConfig
from r2egym.sandboxes import open_backend
from r2egym.sandboxes._sweep import SWEEPER
from r2egym.sandboxes.base import SandboxConfig
from r2egym.sandboxes.docker import DockerBackend
from r2egym.tasks import Dataset, load_dataset

START_SECONDS = 60


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A Docker engine that answers; started by hand where no init runs, and ended afterwards."""
    if answers():
        yield
        return
    install_packages("docker.io", program="dockerd")
    root = tmp_path_factory.mktemp("engine")
    with (root / "log").open("wb") as log:
        command = [
            "dockerd", "--data-root", str(root / "data"), "--exec-root", str(root / "exec"),
            "--pidfile", str(root / "pid"), "--iptables=false", "--bridge=none",
        ]  # fmt: skip
        daemon = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not answers():
            if daemon.poll() is not None or time.monotonic() > deadline:
                lines = (root / "log").read_text(errors="replace").splitlines()
                pytest.skip(f"no Docker engine can run here: {lines[-1] if lines else 'it says nothing'}")
            time.sleep(0.2)
        yield
    finally:
        daemon.terminate()
        try:
            daemon.wait(60)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()


def answers() -> bool:
    """Whether an engine is there."""
    return (
        shutil.which("docker") is not None
        and subprocess.run(["docker", "version"], capture_output=True, check=False).returncode == 0
    )


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for sandboxes; what is left in it at the end is a leak."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="session")
def docker(engine: None, home: Path) -> Iterator[DockerBackend]:
    """The backend; at the end nothing of its home is left, neither here nor with the engine."""
    backend = open_backend("docker", home)
    assert isinstance(backend, DockerBackend)
    try:
        backend.open(SandboxConfig()).close()
    except SandboxError as error:
        pytest.skip(f"the engine starts no containers here: {error}")
    yield backend
    assert SWEEPER.wait(120)
    left = [path.name for path in (home / "sandboxes").iterdir() if not path.name.startswith(".")]
    assert left == []
    deadline = time.monotonic() + 120
    while (here := containers(backend, home)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert here == []
    assert backend.images.leavings.wait(120)
    assert passing(backend, home) == []


@pytest.fixture(scope="session")
def bundled(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Tasks of the bundled history; of all of it when ``R2EGYM_TEST_CANDIDATES`` is 0, else of that many candidates.

    ``R2EGYM_TEST_DATASET`` may name the folder of another dataset, of a real repository say.
    """
    if named := os.environ.get("R2EGYM_TEST_DATASET"):
        return load_dataset(named)
    demo = unpack(tmp_path_factory.mktemp("bundled"))
    number = int(os.environ.get("R2EGYM_TEST_CANDIDATES", "3"))
    config = CurateConfig(
        source=str(demo.repository),
        mining=MiningConfig(limit=number or None),
        index=demo.index,
        options=Options(runs=1, attacks=False),
    )
    out = tmp_path_factory.mktemp("tasks")
    curate(config, out, home, jobs=2)
    return load_dataset(out)


@pytest.fixture(scope="session")
def debian(docker: DockerBackend, tmp_path_factory: pytest.TempPathFactory) -> str:
    """An image of a small Debian with Python and git, unpacked and imported, since no registry may be reached.

    ``R2EGYM_TEST_DEBIAN`` may name a root that is unpacked already.
    """
    name = "r2egym-test/debian:12"
    if docker.images.has(name):
        return name
    root = Path(os.environ.get("R2EGYM_TEST_DEBIAN") or tmp_path_factory.mktemp("debian") / "root")
    if not root.exists():
        debootstrap(root, "python3,git")
    archive = tmp_path_factory.mktemp("archive") / "root.tar"
    subprocess.run(["tar", "-C", str(root), "--one-file-system", "-cf", str(archive), "."], check=True)
    docker.engine.api.import_image_from_file(str(archive), *name.rsplit(":", 1))
    archive.unlink()
    return name
