"""Find uv, or bring it: the one tool the set-up cannot do without.

In this order: ``uv`` on ``$PATH``; the one brought here before; a virtual environment's pip; this Python's pip; a
download of uv's wheel with the standard library alone, for Debian, whose Python has neither pip nor ``ensurepip``
until ``python3-venv`` is installed. Whatever brings it, its SHA-256 must be one of those in ``requirements/uv.txt``.
"""

from __future__ import annotations

import configparser
import hashlib
import inspect
import os
import platform
import re
import shutil
import ssl
import subprocess
import sys
import tempfile
import unittest.mock
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from html.parser import HTMLParser
from pathlib import Path
from typing import Callable

MINIMUM_UV = (0, 5, 0)
PINS = "requirements/uv.txt"
ADVICE = "install it by hand (`apt-get install python3-venv`, or uv itself), then try again"

Say = Callable[[str], None]


class SetupError(Exception):
    """The set-up cannot go on; one line says why."""


def find_uv(root: Path, say: Say) -> str:
    """Path of a uv that works, brought to ``root/.uv`` when there is none. Raises SetupError."""
    pins = (root / PINS).read_text(encoding="utf-8")
    pinned = re.search(r"^uv==([0-9.]+)", pins, re.MULTILINE)
    version = pinned.group(1) if pinned else ""
    ours = root / ".uv" / version / "uv"
    for candidate in (shutil.which("uv"), str(ours)):
        if candidate and _version(candidate) >= MINIMUM_UV:
            return candidate
    say(f"bringing uv {version}")
    ours.parent.mkdir(parents=True, exist_ok=True)
    complaints = []
    with tempfile.TemporaryDirectory(dir=ours.parent) as scratch:
        for bring in (_with_venv, _with_pip, _with_standard_library):
            try:
                binary = bring(root, Path(scratch) / bring.__name__)
            except (SetupError, OSError, subprocess.CalledProcessError) as error:
                complaints.append(f"{bring.__name__[1:].replace('_', ' ')}: {_line(error)}")
                continue
            binary.chmod(0o755)
            binary.replace(ours)
            return str(ours)
    raise SetupError(f"uv is missing and cannot be brought; {ADVICE} ({'; '.join(complaints)})")


def _line(error: Exception) -> str:
    output = getattr(error, "stderr", None) or getattr(error, "stdout", None) or str(error)
    lines = [line for line in output.splitlines() if line.strip()]
    return lines[-1].strip() if lines else type(error).__name__


def _version(uv: str) -> tuple[int, ...]:
    try:
        run = subprocess.run([uv, "--version"], capture_output=True, text=True, check=True, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return ()
    match = re.search(r"(\d+)\.(\d+)\.(\d+)", run.stdout)
    return tuple(map(int, match.groups())) if match else ()


def _run(*command: str) -> None:
    subprocess.run(command, capture_output=True, text=True, check=True)


def _pip_install(python: str, root: Path, *where: str) -> None:
    pins = ("--require-hashes", "--only-binary", ":all:", "--no-deps", "-r", str(root / PINS))
    _run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *where, *pins)


def _with_venv(root: Path, scratch: Path) -> Path:
    _run(sys.executable, "-m", "venv", str(scratch))
    _pip_install(str(scratch / "bin" / "python"), root)
    return scratch / "bin" / "uv"


def _with_pip(root: Path, scratch: Path) -> Path:
    _pip_install(sys.executable, root, "--target", str(scratch))
    return scratch / "bin" / "uv"


def _with_standard_library(root: Path, scratch: Path) -> Path:
    pins = set(re.findall(r"sha256:([0-9a-f]{64})", (root / PINS).read_text(encoding="utf-8")))
    page = f"{configured_index() or default_index()}/uv/"
    links = _Links()
    links.feed(_download(page).decode("utf-8", "replace"))
    machine, libc = platform.machine(), "manylinux" if platform.libc_ver()[0] else "musllinux"
    for link in links.found:
        address, _, digest = urllib.parse.urljoin(page, link).partition("#sha256=")
        name = address.rpartition("/")[2]
        if digest in pins and name.endswith(".whl") and machine in name and libc in name:
            return _unpack(_download(address), digest, scratch)
    raise SetupError(f"no wheel of uv for {machine} on the index matches {PINS}")


def _unpack(wheel: bytes, digest: str, scratch: Path) -> Path:
    if hashlib.sha256(wheel).hexdigest() != digest:
        raise SetupError("the wheel of uv that was downloaded is not the pinned one")
    scratch.mkdir()
    (scratch / "uv.whl").write_bytes(wheel)
    with zipfile.ZipFile(scratch / "uv.whl") as archive:
        member = next(name for name in archive.namelist() if name.endswith(".data/scripts/uv"))
        (scratch / "uv").write_bytes(archive.read(member))
    return scratch / "uv"


class _Links(HTMLParser):
    """Collects the links of an index's page of files."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep where an anchor points to."""
        self.found += [value for key, value in attrs if tag == "a" and key == "href" and value]


def _download(address: str) -> bytes:
    try:
        with urllib.request.urlopen(address, timeout=60, context=_tls()) as answer:
            return bytes(answer.read())
    except (urllib.error.URLError, TimeoutError) as error:
        raise SetupError(f"{urllib.parse.urlsplit(address).netloc}: {error}") from error


def _tls() -> ssl.SSLContext:
    """Verify as usual, unless this machine has no certificates at all.

    Without ``ca-certificates`` nothing could be verified; the pinned hash of what is downloaded then stands alone, and
    it is all that the integrity of this download rests on anyway. uv brings certificates of its own.
    """
    context = ssl.create_default_context()
    paths = ssl.get_default_verify_paths()
    if not context.cert_store_stats()["x509_ca"] and not (
        paths.cafile or (paths.capath and os.listdir(paths.capath))
    ):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def configured_index() -> str:
    """The package index that uv's or pip's environment, or pip's configuration files, name; empty when none does."""
    for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL"):
        if os.environ.get(name):
            return os.environ[name].rstrip("/")
    config = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    files = (
        os.environ.get("PIP_CONFIG_FILE", ""),
        Path(config, "pip", "pip.conf"),
        Path.home() / ".pip/pip.conf",
        "/etc/xdg/pip/pip.conf",
        "/etc/pip.conf",
    )
    for file in files:
        parser = configparser.RawConfigParser()
        try:
            parser.read(file, encoding="utf-8")
        except configparser.Error:
            continue
        for section in ("install", "global"):
            if parser.has_option(section, "index-url"):
                return parser.get(section, "index-url").rstrip("/")
    return ""


def default_index() -> str:
    """Python's own package index, as the standard library names it (where it tells of mock's home). Raises SetupError.

    This project writes no registry's address down, so that nobody behind a mirror has to hunt for it.
    """
    named = re.search(r"https://[\w.]+(?=/project/mock\b)", inspect.getsource(unittest.mock))
    if not named:
        raise SetupError("no package index is configured; set PIP_INDEX_URL to the address of yours")
    return f"{named.group()}/simple"
