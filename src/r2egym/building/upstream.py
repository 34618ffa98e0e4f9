"""The package index behind ours: pages and files, cached on disk.

Where it is: what pip or uv is configured with; without any, the address that the installed ``uv`` has built in. It must
answer with JSON pages that carry upload times (PEP 691 and PEP 700): without them no date can be honoured.

A page is fetched again when it is older than the moment somebody asks about; a page fetched after a moment tells that
moment's truth for good, but for files that were taken down since.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import re
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from threading import Lock

from r2egym.building.source import IndexFile, Page, file_digest, parse_time
from r2egym.errors import TaskError

_ACCEPT = "application/vnd.pypi.simple.v1+json"
_TIMEOUT = 60.0
_LARGEST_PAGE = 256 << 20
_LARGEST_FILE = 2 << 30
_FRESH = 600.0
"""Seconds for which a page is good enough for dates in the present."""
_TRIES = 3


class Upstream:
    """The configured index; safe for threads and processes."""

    def __init__(self, home: Path, address: str, certificates: Path | None = None) -> None:
        """Nothing is fetched yet.

        Args:
            home: where pages and files are kept (``index/`` in it).
            address: of the simple index.
            certificates: further authorities to trust; None: the system's.
        """
        self._address, self._authorization = _without_credentials(address.rstrip("/") + "/")
        self.identity = hashlib.sha256(self._address.encode()).hexdigest()[:12]
        self._folder = home / "index" / self.identity
        self._certificates = certificates
        self._opener: urllib.request.OpenerDirector | None = None
        self._mutex = Lock()

    def page(self, name: str, moment: float) -> Page | None:
        """See :class:`Source`. An old page is used when the index cannot be reached."""
        path = self._folder / "pages" / f"{name}.json"
        cached = _read_page(path)
        if cached and (cached.fetched > moment or cached.fetched > time.time() - _FRESH):
            return cached if cached.files else None
        try:
            body = self._get(self._address + name + "/", _LARGEST_PAGE)
        except _MissingError:
            body = b'{"name": "", "files": []}'
        except TaskError:
            if cached:
                return cached if cached.files else None
            raise
        page = self._parse(name, body)
        _write(path, page.model_dump_json(exclude_defaults=True).encode())
        return page if page.files else None

    def file(self, file: IndexFile, *, metadata: bool = False) -> Path:
        """See :class:`Source`."""
        digest = file.metadata if metadata else file.sha256
        known = isinstance(digest, str) and digest
        address = file.url + (".metadata" if metadata else "")
        key = digest if known else "unhashed-" + hashlib.sha256(address.encode()).hexdigest()
        path = self._folder / "files" / str(key)
        if path.exists() and (not known or file_digest(path) == digest):
            return path
        try:
            data = self._get(address, _LARGEST_FILE)
        except _MissingError:
            raise TaskError(f"the package index lists {file.filename} and does not have it") from None
        if known and hashlib.sha256(data).hexdigest() != digest:
            raise TaskError(
                f"the package index sent a {file.filename} that does not have the hash it announced"
            )
        _write(path, data)
        return path

    def _parse(self, name: str, body: bytes) -> Page:
        try:
            found = json.loads(body)
            files = [_index_file(entry, self._address + name + "/") for entry in found["files"]]
        except (ValueError, KeyError, TypeError):
            raise TaskError(
                f"the package index does not answer for {name} as PEP 691 and PEP 700 have it (JSON with upload times), "
                "so dates cannot be honoured: configure one that does with PIP_INDEX_URL"
            ) from None
        return Page(name=name, fetched=time.time(), files=files)

    def _get(self, address: str, limit: int) -> bytes:
        if urllib.parse.urlsplit(address).scheme not in {"http", "https"}:
            raise TaskError(f"the package index gives an address that is not http: {address[:200]}")
        headers = {"Accept": _ACCEPT + ", */*;q=0.1", "User-Agent": "r2egym"}
        if self._authorization and address.startswith(self._address):
            headers["Authorization"] = self._authorization
        request = urllib.request.Request(address, headers=headers)  # noqa: S310
        trouble = ""
        for attempt in range(_TRIES):
            data, trouble, lasting = self._try(request, limit)
            if data is not None:
                return data
            if lasting:
                break
            time.sleep(0.5 * 2**attempt)
        host = urllib.parse.urlsplit(address).hostname
        raise IndexUnreachableError(
            f"the package index at {host} cannot be reached ({trouble}); is there a network?"
        )

    def _try(self, request: urllib.request.Request, limit: int) -> tuple[bytes | None, str, bool]:
        """The body, or what went wrong and whether it will go wrong again."""
        try:
            with self._open(request) as answer:
                data: bytes = answer.read(limit + 1)
        except urllib.error.HTTPError as error:
            if error.code in {404, 410}:
                raise _MissingError from None
            return None, f"HTTP {error.code}", error.code < 500 and error.code != 429  # noqa: PLR2004 - HTTP's numbers
        except (OSError, http.client.HTTPException) as error:
            trouble = str(getattr(error, "reason", None) or error)
            return None, trouble, any(word in trouble for word in ("refused", "resolution", "not known"))
        if len(data) > limit:
            raise TaskError(f"the package index sent more than {limit} bytes for one address")
        return data, "", False

    def _open(self, request: urllib.request.Request) -> urllib.response.addinfourl:
        with self._mutex:
            if self._opener is None:
                context = ssl.create_default_context()
                if self._certificates:
                    context.load_verify_locations(self._certificates)
                self._opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context))
        answer: urllib.response.addinfourl = self._opener.open(request, timeout=_TIMEOUT)
        return answer


class IndexUnreachableError(TaskError):
    """The index does not answer: no network, or a wrong address."""


class _MissingError(Exception):
    """The index says that there is no such thing."""


def _without_credentials(address: str) -> tuple[str, str]:
    """An address without ``user:password@``, and these as a header."""
    parts = urllib.parse.urlsplit(address)
    if "@" not in parts.netloc:
        return address, ""
    login, host = parts.netloc.rsplit("@", 1)
    token = base64.b64encode(urllib.parse.unquote(login).encode()).decode()
    return parts._replace(netloc=host).geturl(), f"Basic {token}"


def builtin_address(uv: Path) -> str:
    """The address of the index that ``uv`` uses when nobody tells it another. Raises TaskError."""
    with tempfile.TemporaryDirectory() as nowhere:
        done = subprocess.run(
            [uv, "pip", "compile", "-", "--emit-index-url", "--offline", "--no-header", "--no-config",
             "--no-python-downloads", "--python", sys.executable, "--no-cache"],
            input=b"", capture_output=True, cwd=nowhere, env={"HOME": nowhere}, check=False,
        )  # fmt: skip
    found = re.search(r"^--index-url (\S+)$", done.stdout.decode(), re.MULTILINE)
    if not found:
        raise TaskError("no package index is configured: set PIP_INDEX_URL")
    return found[1]


def _index_file(entry: dict[str, object], page: str) -> IndexFile:
    hashes = entry.get("hashes") or {}
    metadata = entry.get("core-metadata") or entry.get("dist-info-metadata") or False
    if isinstance(metadata, dict):
        metadata = metadata.get("sha256", True)
    if not isinstance(hashes, dict):
        raise TypeError(entry["filename"])
    return IndexFile.model_validate(
        {
            "filename": entry["filename"],
            "url": urllib.parse.urljoin(page, str(entry["url"])),
            "sha256": hashes.get("sha256", ""),
            "uploaded": parse_time(str(entry["upload-time"])),
            "requires_python": entry.get("requires-python"),
            "metadata": metadata,
            "yanked": entry.get("yanked", False),
        }
    )


def _read_page(path: Path) -> Page | None:
    try:
        return Page.model_validate_json(path.read_bytes())
    except (OSError, ValueError):
        return None


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".part-", delete=False) as part:
        part.write(data)
    Path(part.name).chmod(0o644)
    Path(part.name).replace(path)
