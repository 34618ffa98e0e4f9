"""The set-up's own download of uv, against an index on this machine."""

import functools
import hashlib
import http.server
import platform
import sys
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def find_uv(monkeypatch: pytest.MonkeyPatch):
    """The script, imported as the set-up imports it."""
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    import find_uv

    yield find_uv
    sys.modules.pop("find_uv")


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves a folder and keeps no log."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that pip's configuration names as the index."""
    folder = tmp_path / "index"
    (folder / "uv").mkdir(parents=True)
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{server.server_port}/")
        yield folder
        server.shutdown()


def offer(folder: Path, root: Path, *, pinned: bool) -> None:
    """Put a wheel of a pretended uv on the index, with its hash among the pins or without."""
    name = f"uv-1.0.0-py3-none-manylinux_2_17_{platform.machine()}.whl"
    with zipfile.ZipFile(folder / name, "w") as wheel:
        wheel.writestr("uv-1.0.0.data/scripts/uv", "#!/bin/sh\necho uv 1.0.0\n")
    digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    (folder / "uv" / "index.html").write_text(f'<a href="../{name}#sha256={digest}">{name}</a>')
    (root / "requirements").mkdir(parents=True)
    pin = digest if pinned else "0" * 64
    (root / "requirements" / "uv.txt").write_text(f"uv==1.0.0 \\\n    --hash=sha256:{pin}\n")


def test_standard_library_brings_the_pinned_wheel(find_uv, served: Path, tmp_path: Path) -> None:
    """Without pip, uv comes from the configured index by urllib alone."""
    offer(served, tmp_path / "project", pinned=True)
    binary = find_uv._with_standard_library(tmp_path / "project", tmp_path / "scratch")
    assert "echo uv 1.0.0" in binary.read_text()


def test_a_wheel_that_is_not_pinned_is_refused(find_uv, served: Path, tmp_path: Path) -> None:
    """A wheel whose hash is not among the pins is never unpacked."""
    offer(served, tmp_path / "project", pinned=False)
    with pytest.raises(find_uv.SetupError, match="no wheel of uv"):
        find_uv._with_standard_library(tmp_path / "project", tmp_path / "scratch")


def test_a_wheel_that_was_changed_is_refused(find_uv, served: Path, tmp_path: Path) -> None:
    """A wheel that is not what the index says it is is never unpacked."""
    offer(served, tmp_path / "project", pinned=True)
    wheel = next(served.glob("*.whl"))
    wheel.write_bytes(wheel.read_bytes() + b"\n")
    with pytest.raises(find_uv.SetupError, match="not the pinned one"):
        find_uv._with_standard_library(tmp_path / "project", tmp_path / "scratch")


def test_the_default_index_is_known_to_python(find_uv) -> None:
    """This interpreter's standard library names the index that the last resort asks."""
    assert find_uv.default_index().startswith("https://")
