"""Layers: named by their content, made once, whole or not there, and safe to lose."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from r2egym.building.layers import LayerStore
from r2egym.errors import BuildError, TaskError

BUILDER = """
import os, sys, time
from pathlib import Path
from r2egym.building.layers import LayerStore

def build(folder):
    with open(sys.argv[2], "a") as log:
        log.write("built\\n")
    (folder / "half").write_text("half")
    print("building", flush=True)
    time.sleep(float(sys.argv[3]))
    (folder / "whole").write_text("whole")

store = LayerStore(Path(sys.argv[1]))
print(sorted(entry.name for entry in store.layer("kind", "key", build).iterdir()), flush=True)
"""


def other_process(home: Path, log: Path, seconds: float) -> subprocess.Popen[str]:
    """Another process that asks for the layer, which takes so long to make."""
    command = [sys.executable, "-c", BUILDER, str(home), str(log), str(seconds)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def half_built(home: Path) -> list[str]:
    """What lies in the store beside whole layers."""
    layers = [path for path in (home / "layers").glob("*/*") if path.is_dir()]
    strange = [path.name for path in layers if not path.with_name(path.name + ".json").exists()]
    return strange + [path.name for path in (home / "tmp").glob("*")]


def test_made_once_by_threads(store: LayerStore) -> None:
    """However many threads ask at once, a layer is made by one of them, and all get it."""
    made: list[int] = []
    ready = threading.Barrier(8)

    def build(folder: Path) -> None:
        made.append(1)
        time.sleep(0.05)
        (folder / "file").write_text("x")

    def ask(_: int) -> Path:
        ready.wait()
        return store.layer("kind", "key", build)

    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(ask, range(8)))
    assert made == [1]
    assert [path.read_text() for folder in found for path in folder.iterdir()] == ["x"]


def test_made_once_by_processes(tmp_path: Path) -> None:
    """However many processes ask at once, a layer is made by one of them, and all get the whole of it."""
    log = tmp_path / "log"
    processes = [other_process(tmp_path / "store", log, 0.3) for _ in range(4)]
    said = [process.communicate(timeout=120)[0].splitlines()[-1] for process in processes]
    assert said == ["['half', 'whole']"] * 4
    assert log.read_text() == "built\n"
    assert half_built(tmp_path / "store") == []


def test_a_build_that_fails_leaves_nothing(store: LayerStore) -> None:
    """An exception in a build passes through; neither a layer nor scratch remains, and the next attempt may succeed."""

    def fail(folder: Path) -> None:
        (folder / "half").write_text("half")
        raise BuildError("install-failed", "no")

    with pytest.raises(BuildError, match="no"):
        store.layer("kind", "key", fail)
    assert store.existing("kind", "key") is None
    assert half_built(store.home) == []
    assert store.layer("kind", "key", lambda folder: (folder / "file").touch()).is_dir()


def test_a_builder_that_is_killed_leaves_nothing(store: LayerStore, tmp_path: Path) -> None:
    """After `kill -9` in the middle of a build its lock is free, the next builder starts afresh, and pruning clears up."""
    process = other_process(store.home, tmp_path / "log", 60)
    assert process.stdout is not None
    with process.stdout as out:
        assert out.readline() == "building\n"
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert store.existing("kind", "key") is None
    start = time.monotonic()
    layer = store.layer("kind", "key", lambda folder: (folder / "file").touch())
    assert time.monotonic() - start < 20
    assert [path.name for path in layer.iterdir()] == ["file"]
    store.prune(1 << 40)
    assert half_built(store.home) == []
    assert layer.is_dir()


def test_a_builder_at_work_keeps_its_scratch(store: LayerStore, tmp_path: Path) -> None:
    """Pruning in another process does not take away what a living builder is writing."""
    process = other_process(store.home, tmp_path / "log", 0.5)
    assert process.stdout is not None
    with process.stdout as out:
        assert out.readline() == "building\n"
        store.prune(0)
        assert out.readline() == "['half', 'whole']\n"
    assert process.wait(10) == 0


def test_plain_files(store: LayerStore) -> None:
    """Files of a layer have one time and plain permissions, whoever made them and however."""

    def build(folder: Path) -> None:
        for name, mode in (("a", 0o600), ("b", 0o4711), ("c", 0o777)):
            (folder / name).write_text(name)
            (folder / name).chmod(mode)
        (folder / "d").mkdir(mode=0o700)
        (folder / "link").symlink_to("/nowhere")

    layer = store.layer("kind", "key", build)
    modes = {path.name: path.lstat().st_mode & 0o7777 for path in layer.iterdir() if path.name != "link"}
    assert modes == {"a": 0o644, "b": 0o755, "c": 0o755, "d": 0o755}
    assert {path.lstat().st_mtime for path in layer.rglob("*")} == {1e9}


def test_equal_files_are_one(store: LayerStore, tmp_path: Path) -> None:
    """Equal files of different layers take the disk's room once; an executable one is another file."""
    source = tmp_path / "source"
    source.mkdir()
    for name, mode in (("plain", 0o644), ("same", 0o600), ("program", 0o755)):
        (source / name).write_text("text")
        (source / name).chmod(mode)
    layers = [store.layer("kind", key, lambda folder: store.import_tree(source, folder)) for key in "ab"]
    numbers = {(layer / name).stat().st_ino for layer in layers for name in ("plain", "same")}
    assert len(numbers) == 1
    assert {(layer / "program").stat().st_ino for layer in layers}.isdisjoint(numbers)


def test_import_takes_plain_things_only(store: LayerStore, tmp_path: Path) -> None:
    """From a sandbox's folder come files, folders and links as links; nothing is followed, nothing special comes."""
    source = tmp_path / "source"
    (source / "folder").mkdir(parents=True)
    (tmp_path / "secret").write_text("secret")
    (source / "link").symlink_to(tmp_path / "secret")
    (source / "folder/up").symlink_to(tmp_path)
    os.mkfifo(source / "pipe")
    (source / "left").write_text("out")
    layer = store.layer("kind", "key", lambda f: store.import_tree(source, f, leave_out=("left",)))
    assert sorted(str(path.relative_to(layer)) for path in layer.rglob("*")) == [
        "folder",
        "folder/up",
        "link",
    ]
    assert (layer / "link").is_symlink()


@pytest.mark.parametrize("key", ["", "../up", "a/b", ".hidden", "x" * 300])
def test_names_stay_inside(store: LayerStore, key: str) -> None:
    """A key that could leave the store is refused."""
    with pytest.raises(TaskError, match="cannot name a layer"):
        store.layer("kind", key, lambda _: None)


def test_deleted_layers_are_made_again(store: LayerStore) -> None:
    """Deleting a layer, its note, the blobs, or everything while the store is open costs a rebuild and no more."""

    def build(folder: Path) -> None:
        store.link_blob("ab12", folder / "file", lambda: b"text", executable=False)

    for gone in (["layers", "kind", "key"], ["layers"], ["blobs"], ["locks"], ["leases"], ["tmp"], []):
        layer = store.layer("kind", "key", build)
        assert (layer / "file").read_text() == "text"
        subprocess.run(["rm", "-rf", str(store.home.joinpath(*gone))], check=True)
    assert (store.layer("kind", "key", build) / "file").read_text() == "text"


def test_in_use_even_after_everything_was_deleted(store: LayerStore) -> None:
    """A store whose folder was deleted under it still tells others what it uses."""
    store.layer("kind", "key", lambda folder: (folder / "file").touch())
    subprocess.run(["rm", "-rf", str(store.home)], check=True)
    layer = store.layer("kind", "key", lambda folder: (folder / "file").touch())
    with LayerStore(store.home) as other:
        other.prune(0)
    assert layer.is_dir()


def test_a_rival_does_not_replace_a_layer_in_use(store: LayerStore) -> None:
    """Where locks were deleted and two build the same layer, the first to finish wins: its files may be mounted."""
    rival = LayerStore(store.home)

    def slow(folder: Path) -> None:
        subprocess.run(["rm", "-rf", str(store.home / "locks")], check=True)
        rival.layer("kind", "key", lambda inner: (inner / "file").write_text("first"))
        (folder / "file").write_text("second")

    layer = store.layer("kind", "key", slow)
    assert (layer / "file").read_text() == "first"
    rival.close()


def test_after_a_power_cut(store: LayerStore) -> None:
    """A layer from before the last boot is used when it weighs what it should, and made again when it does not."""
    made: list[str] = []

    def build(folder: Path) -> None:
        made.append("once")
        (folder / "file").write_text("text")

    note = store.layer("kind", "key", build).with_name("key.json")
    store.close()
    for change, times in ((lambda: None, 1), (lambda: (note.with_suffix("") / "file").write_text("t"), 2)):
        said = json.loads(note.read_text())
        note.write_text(json.dumps({**said, "boot": "earlier"}))
        change()
        store.layer("kind", "key", build)
        store.close()
        assert len(made) == times
    assert (note.with_suffix("") / "file").read_text() == "text"


def test_a_store_that_cannot_be_written(tmp_path: Path) -> None:
    """Where there can be no folder, one line says so."""
    (tmp_path / "file").touch()
    with pytest.raises(TaskError, match="cannot write layers under"):
        LayerStore(tmp_path / "file/store").layer("kind", "key", lambda _: None)


def test_close_twice(store: LayerStore) -> None:
    """Closing lets go of every layer; doing it twice is safe."""
    store.layer("kind", "key", lambda folder: (folder / "file").touch())
    store.close()
    store.close()
    store.prune(0)
    assert store.existing("kind", "key") is None
