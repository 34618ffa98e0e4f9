"""Locks: exact, as of a date, by hash, and free of addresses; and the virtual environments that they stand for."""

import hashlib
import re
import shutil
from pathlib import Path

import pytest
from tests.building.workbench import write_wheel

from r2egym.building.assembly import Assembly
from r2egym.building.interpreters import Interpreter
from r2egym.building.resolve import environment_layer, parse_lock, resolve
from r2egym.building.source import WheelFolder, parse_time
from r2egym.building.workshop import Workshop
from r2egym.errors import BuildError, TaskError
from r2egym.sandboxes.base import Backend, Layer, SandboxConfig

EARLY, LATE = parse_time("2021-12-31T00:00:00Z"), parse_time("2023-01-01T00:00:00Z")


def lock_of(index: Path, name: str, version: str) -> str:
    """The line that a lock has for a wheel of the index."""
    digest = hashlib.sha256((index / f"{name}-{version}-py3-none-any.whl").read_bytes()).hexdigest()
    return f"{name}=={version} --hash=sha256:{digest}"


def test_as_of_a_date(workshop: Workshop, interpreter: Interpreter, index: Path) -> None:
    """An older commit gets the older release, a later one the later; a candidate nobody asked for is not taken."""
    jam = lock_of(index, "jam", "3.0")
    early = resolve(workshop, interpreter, ["jam"], [], EARLY)
    assert early == (jam, lock_of(index, "spoonful", "1.0"))
    assert resolve(workshop, interpreter, ["jam"], [], LATE) == (jam, lock_of(index, "spoonful", "1.1"))
    with pytest.raises(BuildError) as error:
        resolve(workshop, interpreter, ["spoonful>=3"], [], EARLY)
    assert error.value.reason == "resolve-failed"
    assert "spoonful" in str(error.value)
    assert "\n" not in str(error.value)
    assert error.value.log


def test_locks_are_remembered(
    workshop: Workshop, interpreter: Interpreter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dates between the same two uploads have one resolution; asking again opens no sandbox."""
    first = resolve(workshop, interpreter, ["spoonful"], [], EARLY)

    def refuse(*_: object) -> None:
        raise AssertionError("a sandbox was opened")

    with monkeypatch.context() as patch:
        patch.setattr(workshop, "bench", refuse)
        for date in ("2021-06-01T00:00:01Z", "2021-07-02T00:00:00Z", "2022-01-01T00:00:00Z"):
            assert resolve(workshop, interpreter, ["spoonful"], [], parse_time(date)) == first
        with pytest.raises(AssertionError):
            resolve(workshop, interpreter, ["spoonful"], [], parse_time("2022-01-01T00:00:01Z"))
        assert resolve(workshop, interpreter, [], [], EARLY) == ()


def test_locks_name_no_address(workshop: Workshop, interpreter: Interpreter) -> None:
    """Every line is a name, a version and hashes; constraints bind versions and add nothing."""
    lock = resolve(workshop, interpreter, ["spoonful"], ["spoonful==1.0", "jam==3.0"], LATE)
    assert len(lock) == 1
    assert re.fullmatch(r"spoonful==1\.0( --hash=sha256:[0-9a-f]{64})+", lock[0])


def test_the_environment_of_a_lock(
    workshop: Workshop, interpreter: Interpreter, index: Path, backend: Backend
) -> None:
    """A lock's environment runs in a sandbox, holds what the lock says, and equal locks share it."""
    lock = (lock_of(index, "jam", "3.0"), lock_of(index, "spoonful", "1.0"))
    venv = environment_layer(workshop, interpreter, lock, EARLY)
    assert environment_layer(workshop, interpreter, lock, LATE) == venv
    python = Layer(
        target="/opt/r2egym/python",
        sources=(workshop.store.home / "layers/interpreters" / interpreter.key,),
    )
    config = SandboxConfig(layers=(python, Layer(target="/opt/r2egym/venv", sources=(venv,))))
    words = [
        "/opt/r2egym/venv/bin/python",
        "-c",
        "import jam, spoonful; print(spoonful.__version__, jam.__file__)",
    ]
    done = backend.run(config, words)
    assert done.stdout.split()[0] == "1.0", done.stderr
    assert done.stdout.split()[1].startswith("/opt/r2egym/venv/lib/")
    texts = [path.read_bytes() for path in venv.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    assert not [text for text in texts if str(workshop.store.home).encode() in text or b"127.0.0.1" in text]


def test_changed_bytes_are_refused(
    assembly: Assembly, interpreter: Interpreter, index: Path, tmp_path: Path
) -> None:
    """A wheel that is no longer what the lock says is not installed, whatever its index announces."""
    lock = (lock_of(index, "spoonful", "1.1"),)
    changed = Path(shutil.copytree(index, tmp_path / "index"))
    write_wheel(changed, "spoonful", "1.1", {"spoonful/__init__.py": "evil = True\n"})
    assert lock_of(changed, "spoonful", "1.1") != lock[0]
    with pytest.raises(BuildError, match="dependencies cannot be installed") as error:
        environment_layer(assembly.workshop(changed), interpreter, lock, LATE)
    assert error.value.reason == "install-failed"
    assert "hash" in error.value.log.lower()


@pytest.mark.parametrize(
    "line",
    [
        "spoonful==1.0",
        "spoonful>=1.0 --hash=sha256:" + "0" * 64,
        "spoonful==1.0 --hash=md5:00",
        "spoonful @ https://example.invalid/x.whl --hash=sha256:" + "0" * 64,
        "--index-url https://example.invalid/",
        "spoonful==1.0 --hash=sha256:" + "0" * 64 + "\n--no-binary :all:",
    ],
)
def test_locks_that_are_none(workshop: Workshop, interpreter: Interpreter, line: str) -> None:
    """A row's lock that lacks a hash, leaves a version open or smuggles an option in is refused before anything runs."""
    with pytest.raises(BuildError) as error:
        environment_layer(workshop, interpreter, [line], LATE)
    assert error.value.reason == "bad-lock"


def test_what_the_resolver_says_is_checked() -> None:
    """Lines of the resolver become one string each, sorted; anything but a pinned requirement is an error."""
    digest = "0" * 64
    said = f"nut==2 \\\n    --hash=sha256:{digest} \\\n    --hash=sha256:{digest}\njam==1 \\\n    --hash=sha256:{digest}\n"
    assert parse_lock(said) == (
        f"jam==1 --hash=sha256:{digest}",
        f"nut==2 --hash=sha256:{digest} --hash=sha256:{digest}",
    )
    with pytest.raises(BuildError) as error:
        parse_lock("./jam\n")
    assert error.value.reason == "resolve-failed"


@pytest.mark.parametrize("uploads", ["[]", "{", '{"a": 3}', '{"a": "yesterday"}'])
def test_bad_upload_times(tmp_path: Path, uploads: str) -> None:
    """A wheel folder whose times cannot be read is refused with the file's name."""
    (tmp_path / "uploads.json").write_text(uploads)
    with pytest.raises(TaskError, match=r"uploads\.json: not a map"):
        WheelFolder(tmp_path)
    with pytest.raises(TaskError, match="no such folder"):
        WheelFolder(tmp_path / "none")
