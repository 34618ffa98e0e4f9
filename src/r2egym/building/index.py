"""The package index as a build sandbox sees it: an HTTP server on a Unix socket, and nothing but an index.

It answers GET and HEAD of ``/simple/NAME/`` and ``/files/NAME/FILE[.metadata]`` with what a :class:`Source` has, and shows
no file that was uploaded at or after the date asked for, so whatever runs in the sandbox lives in the past. Addresses
in its pages lead back to itself. It writes down which projects were asked for: from that follows for which other
dates the same answer holds (:meth:`IndexServer.interval`). Pages are JSON (PEP 691), to clients that know HTML only HTML.

Names of projects asked for reach the index behind; that much a foreign ``setup.py`` can tell it.
"""

from __future__ import annotations

import json
import re
import shutil
import socketserver
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from html import escape
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from threading import BoundedSemaphore, Lock, Thread
from typing import ClassVar, Self

from r2egym.building.scratch import socket_folder
from r2egym.building.source import IndexFile, Page, Source, normalized, version_of
from r2egym.building.upstream import IndexUnreachableError
from r2egym.errors import TaskError

SIMPLE = "http://127.0.0.1:8765/simple/"
"""Address of the simple index inside a sandbox."""

_JSON = "application/vnd.pypi.simple.v1+json"
_PAGE = re.compile(r"/simple/([A-Za-z0-9][A-Za-z0-9._-]{0,120})/?")
_FILE = re.compile(r"/files/([a-z0-9-]{1,121})/([A-Za-z0-9][A-Za-z0-9._+!-]{0,250}?)(\.metadata)?")
_AT_ONCE = 32
_IDLE = 120.0


class IndexServer:
    """Serves one source as of one date, for as long as its ``with`` block."""

    def __init__(self, source: Source, before: float, floors: Mapping[str, float] | None = None) -> None:
        """Nothing is served yet.

        Args:
            source: where pages and files come from.
            before: seconds since 1970; files uploaded earlier are shown.
            floors: projects that are shown as of a later date, when that is later than ``before``.
        """
        self.socket = ""
        """Path of the Unix socket while it serves."""
        self.trouble: TaskError | None = None
        """What went wrong with the source, if anything did: a client only sees a failed request."""
        self.requests = 0
        """How many requests came."""
        self._source = source
        self._before = before
        self._floors = floors or {}
        self._asked: dict[str, Page | None] = {}
        self._mutex = Lock()
        self._places = BoundedSemaphore(_AT_ONCE)
        self._server: _Server | None = None
        self._folder = ExitStack()

    def __enter__(self) -> Self:
        self.socket = str(self._folder.enter_context(socket_folder()) / "socket")
        self._server = _Server(self)
        Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._folder.close()

    def interval(self) -> tuple[float, float]:
        """For which dates everything asked for so far looks the same: later than the first, up to the second."""
        low, high = 0.0, float("inf")
        for name, page in self._asked.items():
            floor = self._floors.get(name, 0.0)
            cut = max(self._before, floor)
            uploads = [file.uploaded for file in page.files] if page else []
            last = max((moment for moment in uploads if moment < cut), default=0.0)
            following = min((moment for moment in uploads if moment >= cut), default=float("inf"))
            known = page.fetched if page else self._before
            low = max(low, last if last >= floor else 0.0)
            high = min(high, following, max(known, self._before))
        return low, high

    # --- what a request gets ------------------------------------------------------------------------------------

    def release(self, filename: str) -> tuple[str, str, tuple[str, ...]] | None:
        """Project and version of a file that was shown, and the SHA-256 of every file of this release."""
        with self._mutex:
            asked = list(self._asked)
        for name in asked:
            files = self._visible(name) or {}
            version = version_of(name, filename)
            if filename in files and version:
                of_release = (file for file in files.values() if version_of(name, file.filename) == version)
                return name, version, tuple(sorted({file.sha256 for file in of_release if file.sha256}))
        return None

    def answer(self, path: str, accept: str = "") -> tuple[int, str, bytes | Path]:
        """Status, content type, and body (or the file that holds it) for a path, to a client that accepts that."""
        with self._mutex:
            self.requests += 1
        try:
            if found := _PAGE.fullmatch(path):
                return self._page(normalized(found[1]), html="html" in accept and _JSON not in accept)
            if found := _FILE.fullmatch(path):
                return self._file(found[1], found[2], metadata=bool(found[3]))
        except TaskError as error:
            if self.trouble is None or isinstance(error, IndexUnreachableError):
                self.trouble = error
            return 502, "text/plain", f"{error}\n".encode()
        return 404, "text/plain", b"not an index path\n"

    def _visible(self, name: str) -> dict[str, IndexFile] | None:
        cut = max(self._before, self._floors.get(name, 0.0))
        with self._places:
            page = self._source.page(name, cut)
        with self._mutex:
            self._asked[name] = page
        return {file.filename: file for file in page.files if file.uploaded < cut} if page else None

    def _page(self, name: str, *, html: bool) -> tuple[int, str, bytes]:
        files = self._visible(name)
        if files is None:
            return 404, "text/plain", b"no such project\n"
        if html:
            return 200, "text/html; charset=utf-8", _as_html(name, files.values()).encode()
        listed = [_describe(name, file) for file in files.values()]
        body = {"meta": {"api-version": "1.1"}, "name": name, "versions": [], "files": listed}
        return 200, _JSON, json.dumps(body).encode()

    def _file(self, name: str, filename: str, *, metadata: bool) -> tuple[int, str, bytes | Path]:
        file = (self._visible(name) or {}).get(filename)
        if file is None or (metadata and not file.metadata):
            return 404, "text/plain", b"no such file\n"
        with self._places:
            return 200, "application/octet-stream", self._source.file(file, metadata=metadata)


def _describe(name: str, file: IndexFile) -> dict[str, object]:
    """One file of a page, in the words of PEP 691 and PEP 700."""
    hashes = {"sha256": file.sha256} if file.sha256 else {}
    metadata = {"sha256": file.metadata} if isinstance(file.metadata, str) else file.metadata
    said: dict[str, object] = {
        "filename": file.filename,
        "url": f"/files/{name}/{file.filename}",
        "hashes": hashes,
        "upload-time": datetime.fromtimestamp(file.uploaded, UTC).isoformat().replace("+00:00", "Z"),
        "yanked": file.yanked,
        "core-metadata": metadata,
    }
    if file.requires_python:
        said["requires-python"] = file.requires_python
    return said


def _as_html(name: str, files: Iterable[IndexFile]) -> str:
    """A page in the words of PEP 503 and PEP 592."""
    lines = ["<!DOCTYPE html>", f"<html><head><title>{name}</title></head><body>"]
    for file in files:
        digest = f"#sha256={file.sha256}" if file.sha256 else ""
        said = {"href": f"/files/{name}/{file.filename}{digest}"}
        if file.requires_python:
            said["data-requires-python"] = file.requires_python
        if file.yanked is not False:
            said["data-yanked"] = file.yanked if isinstance(file.yanked, str) else ""
        attributes = " ".join(f'{key}="{escape(value)}"' for key, value in said.items())
        lines.append(f"<a {attributes}>{escape(file.filename)}</a><br>")
    return "\n".join([*lines, "</body></html>", ""])


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, index: IndexServer) -> None:
        self.index = index
        super().__init__(index.socket, _Handler)

    def handle_error(self, *_: object) -> None:
        """A client that hung up is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout: ClassVar[float] = _IDLE
    server: _Server

    def do_GET(self) -> None:
        """Answer with a body."""
        self._reply(body=True)

    def do_HEAD(self) -> None:
        """Answer without one."""
        self._reply(body=False)

    def _reply(self, *, body: bool) -> None:
        status, kind, content = self.server.index.answer(self.path, self.headers["Accept"] or "")
        length = content.stat().st_size if isinstance(content, Path) else len(content)
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        if not body:
            return
        if isinstance(content, Path):
            with content.open("rb") as file:
                shutil.copyfileobj(file, self.wfile)
        else:
            self.wfile.write(content)

    def address_string(self) -> str:
        """A Unix socket's client has no address."""
        return "sandbox"

    def log_message(self, *_: object) -> None:
        """Nothing is logged: what went wrong is in ``trouble``."""
