"""The package index between a sandbox and the world: dated pages, checked files, and one line when it misbehaves."""

import base64
import hashlib
import http.client
import json
import socket
import tempfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from r2egym.building.index import IndexServer
from r2egym.building.layers import LayerStore
from r2egym.building.source import parse_time, version_of
from r2egym.building.upstream import IndexUnreachableError, Upstream
from r2egym.errors import TaskError

WHEEL = b"the bytes of a wheel"
NOW = parse_time("2024-01-01T00:00:00Z")


class World:
    """An index of the world: what it answers, and what it was asked."""

    def __init__(self) -> None:
        self.pages: dict[str, Any] = {}
        self.content = WHEEL
        self.asked: list[tuple[str, str | None]] = []
        self.status = 200
        world = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                world.asked.append((self.path, self.headers["Authorization"]))
                page = world.pages.get(self.path.strip("/").split("/")[-1])
                body = json.dumps(page).encode() if self.path.startswith("/simple/") else world.content
                self.send_response(world.status if page is not None or "/files/" in self.path else 404)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def offer(self, name: str, *versions: tuple[str, str]) -> None:
        """Offer wheels with their upload times."""
        self.pages[name] = {
            "files": [
                {
                    "filename": f"{name}-{version}-py3-none-any.whl",
                    "url": f"../../files/{name}-{version}-py3-none-any.whl",
                    "hashes": {"sha256": hashlib.sha256(WHEEL).hexdigest()},
                    "upload-time": uploaded,
                }
                for version, uploaded in versions
            ]
        }


@pytest.fixture
def world() -> Iterator[World]:
    """An index that offers two releases of jam."""
    made = World()
    made.offer("jam", ("1", "2020-01-01T00:00:00Z"), ("2", "2023-01-01T00:00:00Z"))
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def upstream(world: World, tmp_path: Path) -> Upstream:
    """Our way to it, with credentials."""
    return Upstream(tmp_path, f"http://me:pass%40word@{world.host}/simple")


def ask(server: IndexServer, path: str) -> tuple[int, bytes]:
    """A request through the server's socket, as a sandbox's relay makes it."""
    client = http.client.HTTPConnection("index")
    client.sock = socket.socket(socket.AF_UNIX)
    client.sock.connect(server.socket)
    client.request("GET", path)
    answer = client.getresponse()
    body = answer.read()
    client.close()
    return answer.status, body


def test_the_past_only(world: World, upstream: Upstream) -> None:
    """What was uploaded later is neither listed nor given out, and how long that holds is known."""
    before = parse_time("2022-01-01T00:00:00Z")
    with IndexServer(upstream, before) as server:
        status, body = ask(server, "/simple/Jam/")
        page = json.loads(body)
        assert [file["filename"] for file in page["files"]] == ["jam-1-py3-none-any.whl"]
        assert status == 200
        assert world.host.encode() not in body
        assert ask(server, page["files"][0]["url"]) == (200, WHEEL)
        assert ask(server, "/files/jam/jam-2-py3-none-any.whl")[0] == 404
        assert server.interval() == (parse_time("2020-01-01T00:00:00Z"), parse_time("2023-01-01T00:00:00Z"))
    assert not Path(server.socket).exists()


def test_tools_may_be_younger(upstream: Upstream) -> None:
    """A test runner that the only Python needs is shown as of that Python's time."""
    with IndexServer(upstream, 1.0, {"jam": NOW}) as server:
        assert len(json.loads(ask(server, "/simple/jam/")[1])["files"]) == 2


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/simple/",
        "/simple/../etc",
        "/files/jam/../../etc/passwd",
        "/files/jam/other.whl",
        "/simple/lid/",
    ],
)
def test_nothing_but_an_index(upstream: Upstream, path: str) -> None:
    """Any other path, and what the index does not have, is not found."""
    with IndexServer(upstream, NOW) as server:
        assert ask(server, path)[0] == 404
        assert server.trouble is None


def test_credentials_stay(world: World, upstream: Upstream) -> None:
    """The index gets its password; no other host does, and no key, message or cached file has it."""
    page = upstream.page("jam", NOW)
    assert page is not None
    assert world.asked == [("/simple/jam/", "Basic " + base64.b64encode(b"me:pass@word").decode())]
    upstream.file(page.files[0])
    assert world.asked[-1][1] is None  # files may lie anywhere
    world.status = 403
    with pytest.raises(TaskError) as error:
        upstream.page("lid2", NOW) or upstream.file(page.files[1].model_copy(update={"sha256": "0" * 64}))
    assert "pass" not in str(error.value)


def test_bytes_are_checked(world: World, upstream: Upstream) -> None:
    """A file that is not what its page announced is refused, and not kept; a cached one that rotted is fetched again."""
    page = upstream.page("jam", NOW)
    assert page is not None
    world.content = b"evil"
    with pytest.raises(TaskError, match="does not have the hash it announced"):
        upstream.file(page.files[0])
    world.content = WHEEL
    path = upstream.file(page.files[0])
    path.write_bytes(b"rotten")
    assert upstream.file(page.files[0]).read_bytes() == WHEEL


def test_old_pages_serve_old_dates(world: World, upstream: Upstream, tmp_path: Path) -> None:
    """A page answers for dates before it was fetched without asking again, also when the index is gone."""
    upstream.page("jam", NOW)
    world.offer("jam", ("3", "2020-06-01T00:00:00Z"))
    again = Upstream(tmp_path, f"http://{world.host}/simple/")
    page = again.page("jam", NOW)
    assert page is not None
    assert len(page.files) == 2
    assert len(world.asked) == 1


def test_an_index_without_dates(world: World, upstream: Upstream) -> None:
    """An index that does not tell upload times is no use, and one line says what is needed."""
    world.offer("jam", ("1", "2020-01-01T00:00:00Z"))
    del world.pages["jam"]["files"][0]["upload-time"]
    with pytest.raises(TaskError, match="dates cannot be honoured"):
        upstream.page("jam", NOW)
    with IndexServer(upstream, NOW) as server:
        assert ask(server, "/simple/jam/")[0] == 502
        assert "dates cannot be honoured" in str(server.trouble)


def test_no_index_there(tmp_path: Path) -> None:
    """An index that does not answer is told apart from a project that it does not have."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}/simple/"
        with pytest.raises(IndexUnreachableError, match="cannot be reached"):
            Upstream(tmp_path, address).page("jam", NOW)


def test_strange_addresses(world: World, upstream: Upstream) -> None:
    """A page cannot make us read a file of this machine."""
    world.pages["jam"]["files"][0]["url"] = "file:///etc/passwd"
    page = upstream.page("jam", NOW)
    assert page is not None
    with pytest.raises(TaskError, match="not http"):
        upstream.file(page.files[0])


def test_killed_servers_are_swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The socket of a killed builder goes with the next pruning; that of a living one stays."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / "r2egym-index-dead").mkdir()
    (tmp_path / "r2egym-index-dead/socket").touch()
    (tmp_path / "r2egym-index-link").symlink_to("/etc")
    with IndexServer(Upstream(tmp_path, "http://127.0.0.1:9/"), NOW) as server:
        LayerStore(tmp_path / "home").prune(1 << 40)
        assert Path(server.socket).exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["r2egym-index-link"]


@pytest.mark.parametrize(
    ("name", "filename", "version"),
    [
        ("jam", "jam-1.0-py2.py3-none-any.whl", "1.0"),
        ("more-jam", "more_jam-1.0.post1-1-cp27-cp27mu-linux_x86_64.whl", "1.0.post1"),
        ("more-jam", "more-jam-1.0.tar.gz", "1.0"),
        ("more-jam", "more.jam-2012a.zip", "2012a0"),
        ("jam", "jam-1.0-final-2.tgz", "1.0-final-2"),
        ("jam", "jam-1.0-py2.7.egg", ""),
        ("jam", "nut-1.0.tar.gz", ""),
    ],
)
def test_versions_of_files(name: str, filename: str, version: str) -> None:
    """A file's name tells its version, in the form that locks have; eggs and installers tell none."""
    assert version_of(name, filename) == version


def test_pages_for_older_clients(world: World, upstream: Upstream) -> None:
    """A client that accepts HTML and not the JSON of today gets the same files, with hashes and what they require."""
    world.pages["jam"]["files"][0] |= {"requires-python": ">=2.7,<3", "yanked": 'is "off"'}
    with IndexServer(upstream, NOW) as server:
        kind, page = server.answer("/simple/jam/", "text/html")[1:]
        assert kind.startswith("text/html")
        assert isinstance(page, bytes)
        lines = [line for line in page.decode().splitlines() if line.startswith("<a ")]
        digest = hashlib.sha256(WHEEL).hexdigest()
        assert lines[0] == (
            f'<a href="/files/jam/jam-1-py3-none-any.whl#sha256={digest}" data-requires-python="&gt;=2.7,&lt;3" '
            'data-yanked="is &quot;off&quot;">jam-1-py3-none-any.whl</a><br>'
        )
        assert len(lines) == 2
        both = "application/vnd.pypi.simple.v1+json, text/html;q=0.1"
        for accept in (both, "*/*", ""):
            assert "json" in server.answer("/simple/jam/", accept)[1]
        assert server.release("jam-2-py3-none-any.whl") == ("jam", "2", (digest,))
        assert server.release("jam-3-py3-none-any.whl") is None
    with IndexServer(upstream, parse_time("2021-01-01T00:00:00Z")) as server:
        assert b"jam-2" not in bytes(server.answer("/simple/jam/", "text/html")[2])  # type: ignore[arg-type]
