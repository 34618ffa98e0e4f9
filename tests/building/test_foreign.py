"""A project's own build: it runs in the build sandbox, where it finds the package index and nothing else."""

import hashlib
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.building.workbench import SPRING

from r2egym.building.assembly import Assembly
from r2egym.building.foreign import ask_setup, editable_layers
from r2egym.building.interpreters import Interpreter
from r2egym.building.pyproject import Project
from r2egym.building.resolve import environment_layer
from r2egym.building.workshop import Workshop
from r2egym.errors import BuildError

SPY = """
import os, socket, urllib.request
from setuptools import setup

found = []

def told(name, attempt):
    try:
        if attempt():
            found.append(name)
    except OSError:
        pass

def write(path):
    with open(path, "a") as file:
        file.write("spoilt")
    return True

def connect(family, address):
    with socket.socket(family) as way:
        way.settimeout(2)
        way.connect(address)
    return True

def index(path):
    with urllib.request.urlopen("http://127.0.0.1:8765" + path, timeout=20) as answer:
        return answer.read()

told("index", lambda: b"jam" in index("/simple/jam/"))
told("beyond-the-index", lambda: index("/files/jam/../../uploads.json"))
told("host-file", lambda: open({secret!r}).read())
told("host-folder", lambda: os.listdir({home!r}))
told("host-variable", lambda: "R2EGYM_HOME" in os.environ or b"R2EGYM_HOME" in open("/proc/1/environ", "rb").read())
told("host-port", lambda: connect(socket.AF_INET, ("127.0.0.1", {port})))
told("host-socket", lambda: connect(socket.AF_UNIX, "\\0" + {name!r}))
told("network", lambda: connect(socket.AF_INET, ("192.0.2.1", 80)))
told("names", lambda: socket.gethostbyname("example.com"))
told("write-interpreter", lambda: write("/opt/r2egym/python/bin/spoilt"))
told("write-tools", lambda: write("/opt/r2egym/tools/uv"))
told("write-system", lambda: write("/usr/spoilt"))
told("own-tree", lambda: write("own.txt"))
setup(name="spy", version="1", install_requires=found)
"""


def layer_of(workshop: Workshop, files: dict[str, str]) -> Path:
    """Files as a layer."""
    key = hashlib.sha256(repr(files).encode()).hexdigest()

    def build(folder: Path) -> None:
        for path, text in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)

    return workshop.store.layer("trees", key, build)


def state_of(home: Path) -> dict[str, object]:
    """Everything in the store's layers and shared files, by path."""
    found: dict[str, object] = {}
    for path in (*(home / "layers").glob("*/*/**/*"), *(home / "blobs").glob("*/*")):
        status = path.lstat()
        found[str(path)] = (status.st_size, status.st_mtime_ns, status.st_mode, status.st_ino)
    return found


@pytest.fixture
def spy(workshop: Workshop, tmp_path: Path) -> Iterator[str]:
    """A ``setup.py`` that tries everything."""
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "secret").chmod(0o644)
    name = f"r2egym-test-{os.getpid()}"
    with socket.socket() as port, socket.socket(socket.AF_UNIX) as abstract:
        port.bind(("127.0.0.1", 0))
        port.listen()
        abstract.bind("\0" + name)
        abstract.listen()
        texts = {
            "secret": str(tmp_path / "secret"),
            "home": str(workshop.store.home),
            "port": port.getsockname()[1],
        }
        yield SPY.format(**texts, name=name)


def test_what_a_setup_script_finds(workshop: Workshop, interpreter: Interpreter, spy: str) -> None:
    """It reads the index and writes its own copy of its tree; nothing else of the host, the network or the store."""
    tree = layer_of(workshop, {"setup.py": spy, "own.txt": ""})
    before = state_of(workshop.store.home)
    project = ask_setup(workshop, interpreter, tree, SPRING, Project())
    assert project.dependencies == ("index", "own-tree")
    assert project.unread == ()
    after = state_of(workshop.store.home)
    assert {path: what for path, what in after.items() if path in before} == before
    kinds = {
        Path(path).relative_to(workshop.store.home / "layers").parts[0]
        for path in after.keys() - before.keys()
    }
    assert kinds <= {"setups", "tools"}


def test_an_editable_install(workshop: Workshop, interpreter: Interpreter) -> None:
    """What a project's build adds is taken out as plain files: to the environment and to its tree, not its `.git`."""
    script = (
        "import os\nfrom setuptools import setup\nopen('made_version.py', 'w').write('version = 7\\n')\n"
        "os.symlink('/etc/passwd', 'led_astray')\nos.mkfifo('pipe')\nopen('.git/hooked', 'w').close()\n"
        "setup(name='larder', version='7')\n"
    )
    tree = layer_of(workshop, {"setup.py": script, "larder.py": ""})
    git = layer_of(workshop, {".git/HEAD": "ref: refs/heads/main\n"})
    before = state_of(workshop.store.home)
    venv = environment_layer(workshop, interpreter, (), SPRING)
    added, generated = editable_layers(workshop, interpreter, venv, tree, git, SPRING)
    assert (generated / "made_version.py").read_text() == "version = 7\n"
    assert (generated / "led_astray").is_symlink()
    assert not (generated / "pipe").exists()
    assert not (generated / ".git").exists()
    names = {path.name for path in added.rglob("*") if path.is_file()}
    assert "__editable__.larder.pth" in names
    after = state_of(workshop.store.home)
    shared = {
        path: what for path, what in before.items() if f"/{tree.name}" in path or f"/{git.name}" in path
    }
    assert shared
    assert {path: after[path] for path in shared} == shared


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("raise SystemExit('no compiler here')\n", "no compiler here"),
        ("print('nothing')\n", "does not call setup"),
        ("print('r2egym-setup:[]')\n", "does not call setup"),
        ("import os\nos.kill(os.getpid(), 9)\n", "setup.py fails"),
    ],
)
def test_setup_scripts_that_fail(
    workshop: Workshop, interpreter: Interpreter, script: str, words: str
) -> None:
    """A setup.py that fails or tells nothing has its reason code, one line, and no layer."""
    tree = layer_of(workshop, {"setup.py": script})
    with pytest.raises(BuildError, match=words) as error:
        ask_setup(workshop, interpreter, tree, SPRING, Project())
    assert error.value.reason == "setup-failed"
    assert "\n" not in str(error.value)


def test_a_build_that_fails(workshop: Workshop, interpreter: Interpreter) -> None:
    """A project whose build fails has its reason code, and the log has what it printed."""
    tree = layer_of(workshop, {"setup.py": "raise RuntimeError('gcc: not found')\n"})
    git = layer_of(workshop, {".git/HEAD": "ref: refs/heads/main\n"})
    venv = environment_layer(workshop, interpreter, (), SPRING)
    with pytest.raises(BuildError) as error:
        editable_layers(workshop, interpreter, venv, tree, git, SPRING)
    assert error.value.reason == "project-failed"
    assert "gcc: not found" in error.value.log


def test_one_sandbox_for_many(assembly: Assembly, workshop: Workshop, interpreter: Interpreter) -> None:
    """Threads that ask the same script the same get one answer, made once."""
    tree = layer_of(
        workshop,
        {"setup.py": "from setuptools import setup\nsetup(name='x', install_requires='jam\\nlid')\n"},
    )
    answers: list[Project] = []
    threads = [
        threading.Thread(target=lambda: answers.append(ask_setup(workshop, interpreter, tree, SPRING, Project())))
        for _ in range(3)
    ]  # fmt: skip
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.dependencies for answer in answers] == [("jam", "lid")] * 3
