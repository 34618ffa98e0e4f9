"""The store's bound: what it weighs is counted, and what was used longest ago goes first."""

import os
import threading
from pathlib import Path

from r2egym.building.layers import LayerStore

SIZE = 256 << 10


def fill(store: LayerStore, *keys: str) -> dict[str, Path]:
    """Layers of a quarter of a mebibyte each, one used after the other."""
    found: dict[str, Path] = {}
    for number, key in enumerate(keys):
        found[key] = store.layer("kind", key, lambda folder: (folder / "file").write_bytes(os.urandom(SIZE)))
        os.utime(found[key].with_name(key + ".json"), (1e9 + number, 1e9 + number))
    return found


def total(store: LayerStore) -> int:
    """Bytes that the store says it takes."""
    return sum(usage.bytes for usage in store.usage())


def on_disk(home: Path) -> int:
    """Bytes that the files of a store take, each counted once."""
    found = {path.lstat().st_ino: path.lstat() for path in home.rglob("*") if not path.is_dir()}
    return sum(status.st_blocks * 512 for status in found.values())


def test_oldest_go_first(store: LayerStore) -> None:
    """Pruning deletes the layers that were used longest ago, and only as many as it must."""
    layers = fill(store, "a", "b", "c", "d")
    store.close()
    store.prune(2 * SIZE + 50_000)
    assert [key for key, path in layers.items() if path.exists()] == ["c", "d"]
    assert total(store) <= 2 * SIZE + 50_000


def test_use_makes_young(store: LayerStore) -> None:
    """A layer that was asked for again is not among the oldest any more."""
    layers = fill(store, "a", "b", "c")
    store.close()
    assert store.existing("kind", "a")
    store.close()
    store.prune(SIZE + 50_000)
    assert [key for key, path in layers.items() if path.exists()] == ["a"]


def test_in_use_stays(store: LayerStore) -> None:
    """What any living user has in hand stays, though the bound is passed; afterwards it may go."""
    layers = fill(store, "a", "b")
    with LayerStore(store.home) as other:
        other.prune(0)
        assert all(path.exists() for path in layers.values())
        store.close()
        other.prune(0)
    assert not any(path.exists() for path in layers.values())
    assert [path.name for path in (store.home / "tmp").iterdir()] == []


def test_shared_files_go_with_their_last_layer(store: LayerStore) -> None:
    """A file of several layers is counted once and deleted with the last of them."""
    data = os.urandom(SIZE)
    for key in ("a", "b"):
        store.layer(
            "kind", key, lambda f: store.link_blob("ab12", f / "file", lambda: data, executable=False)
        )
    assert SIZE <= total(store) < 2 * SIZE
    store.close()
    (first, second) = ((store.home / "layers/kind" / key) for key in "ab")
    os.utime(first.with_name("a.json"), (1e9, 1e9))
    store.prune(SIZE // 2)
    assert not first.exists()
    assert not second.exists()
    assert not list((store.home / "blobs").glob("*/*"))
    assert total(store) == 0


def test_linked_packs_are_counted(store: LayerStore) -> None:
    """Layers that link to one another's files are counted, each file once, so that the bound holds for them too."""
    pack = store.layer("packs", "a", lambda folder: (folder / "pack").write_bytes(os.urandom(SIZE)))
    for key in ("x", "y"):
        store.layer("git", key, lambda folder: store.link(pack / "pack", folder / "pack"))
    assert SIZE <= total(store) < 2 * SIZE
    store.close()
    store.prune(SIZE // 2)
    assert on_disk(store.home / "layers") < SIZE // 2


def test_index_is_trimmed_last(store: LayerStore) -> None:
    """The index's cached files count, and go when layers alone do not make enough room."""
    layers = fill(store, "a")
    store.close()
    cached = store.home / "index/pages/files"
    cached.mkdir(parents=True)
    for number in range(4):
        (cached / str(number)).write_bytes(os.urandom(SIZE))
        os.utime(cached / str(number), (1e9 + number, 1e9 + number))
    store.prune(2 * SIZE + 50_000)
    assert not layers["a"].exists()
    assert sorted(path.name for path in cached.iterdir()) == ["2", "3"]


def test_counting_and_pruning_beside_builders(store: LayerStore) -> None:
    """Counting, pruning and building at the same time harm none of them."""
    troubles: list[BaseException] = []
    stop = threading.Event()

    def keep(work: object) -> None:
        assert callable(work)
        try:
            while not stop.is_set():
                work()
        except BaseException as error:  # noqa: BLE001 - whatever it is, the test tells it
            troubles.append(error)

    def build_one() -> None:
        with LayerStore(store.home) as own:
            for number in range(20):
                layer = own.layer("kind", f"k{number % 5}", lambda folder: _some_files(own, folder))
                assert len(list(layer.iterdir())) == 5

    work = [build_one, build_one, lambda: store.prune(0), lambda: store.prune(0), store.usage]
    threads = [threading.Thread(target=keep, args=(each,)) for each in work]
    for thread in threads:
        thread.start()
    stop.wait(1.5)
    stop.set()
    for thread in threads:
        thread.join()
    assert troubles == []


def _some_files(store: LayerStore, folder: Path) -> None:
    for number in range(5):
        text = f"{number}".encode()
        store.link_blob(f"ab{number}", folder / str(number), lambda text=text: text, executable=False)
