"""The wheel folder of the demo: all that its builds may install, so that they need no network.

Two sources: releases of the demo's own dependency, written from text, and pytest with what it needs, packed again from
the distributions that are installed beside this package. Wheels are stored uncompressed with fixed dates, so equal
content makes equal bytes on any machine, whatever its zlib.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.metadata
import json
import tomllib
import zipfile
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from r2egym.errors import TaskError

_EPOCH = (1980, 1, 1, 0, 0, 0)
_TOOLS = "pytest"
_TOOLS_UPLOADED = "2019-01-01T00:00:00Z"
"""Upload time that the index gives for pytest and its dependencies: before the demo's first commit."""
_LEFT_OUT = frozenset({"INSTALLER", "REQUESTED", "RECORD", "direct_url.json"})
"""Files of a ``.dist-info`` that an installer writes; a wheel does not have them, or they are made anew."""


def write_index(releases: str, directory: Path) -> None:
    """Fill ``directory`` with wheels and an ``uploads.json`` that maps their names to RFC 3339 upload times.

    Other wheels in it are removed: an index shows whatever lies in its folder.

    Args:
        releases: text of ``releases.toml``.
        directory: is made when it is not there.

    Raises:
        TaskError: pytest, or something it needs, is not installed in a form that can be packed.
    """
    directory.mkdir(parents=True, exist_ok=True)
    uploads: dict[str, str] = {}
    for release in tomllib.loads(releases)["release"]:
        name, version = str(release["name"]), str(release["version"])
        files = {path: text.encode() for path, text in release["files"].items()}
        uploads[_release(directory, name, version, files)] = release["uploaded"].strftime(
            "%Y-%m-%dT%H:%M:%SZ"
        )
    for distribution in _closure(_TOOLS):
        uploads[_repack(directory, distribution)] = _TOOLS_UPLOADED
    for stray in {path.name for path in directory.glob("*.whl")} - uploads.keys():
        (directory / stray).unlink()  # of an earlier unpacking, with another pytest installed
    (directory / "uploads.json").write_text(json.dumps(uploads, indent=2, sort_keys=True) + "\n")


def _release(directory: Path, name: str, version: str, files: dict[str, bytes]) -> str:
    """Write a wheel of a pure Python project without dependencies; its file name."""
    info = f"{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nRequires-Python: >=3.11\n"
    wheel = "Wheel-Version: 1.0\nGenerator: r2egym-demo\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    files = files | {f"{info}/METADATA": metadata.encode(), f"{info}/WHEEL": wheel.encode()}
    return _write(directory, f"{name}-{version}-py3-none-any.whl", info, files)


def _closure(root: str) -> list[importlib.metadata.Distribution]:
    """A distribution and everything that it requires in this environment, by name."""
    found: dict[str, importlib.metadata.Distribution] = {}
    wanted = [root]
    while wanted:
        name = canonicalize_name(wanted.pop())
        if name in found:
            continue
        try:
            found[name] = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            raise TaskError(
                f"the demo packs {name} for its builds, and it is not installed: install it"
            ) from None
        for line in found[name].requires or ():
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                wanted.append(requirement.name)
    return [found[name] for name in sorted(found)]


def _repack(directory: Path, distribution: importlib.metadata.Distribution) -> str:
    """Write an installed distribution as a wheel; its file name."""
    name = canonicalize_name(distribution.name).replace("-", "_")
    description = distribution.read_text("WHEEL") or ""
    tags = [line.split()[1] for line in description.splitlines() if line.startswith("Tag: ")]
    entries = [entry for entry in distribution.files or () if _belongs(entry)]
    infos = {entry.parts[0] for entry in entries if entry.parts[0].endswith(".dist-info")}
    if tags != ["py3-none-any"] or len(infos) != 1:
        raise TaskError(
            f"the demo packs {name} {distribution.version} for its builds, and its installation "
            "does not tell its files: install it with pip or uv"
        )
    files = {entry.as_posix(): Path(str(entry.locate())).read_bytes() for entry in entries}
    return _write(directory, f"{name}-{distribution.version}-{tags[0]}.whl", infos.pop(), files)


def _belongs(entry: importlib.metadata.PackagePath) -> bool:
    """Whether an installed file came out of a wheel: not a script, not bytecode, not an installer's note."""
    noted = entry.parts[0].endswith(".dist-info") and entry.name in _LEFT_OUT
    return ".." not in entry.parts and entry.suffix != ".pyc" and not noted


def _write(directory: Path, filename: str, info: str, files: dict[str, bytes]) -> str:
    """Write files and their ``RECORD`` as a wheel; its file name."""
    record = [f"{path},{_digest(content)},{len(content)}" for path, content in sorted(files.items())]
    content_of_record = "".join(f"{line}\n" for line in [*record, f"{info}/RECORD,,"]).encode()
    with zipfile.ZipFile(directory / filename, "w", zipfile.ZIP_STORED) as archive:
        for path, content in [*sorted(files.items()), (f"{info}/RECORD", content_of_record)]:
            entry = zipfile.ZipInfo(path, _EPOCH)
            entry.create_system = 3  # Unix, on every system
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, content)
    return filename


def _digest(content: bytes) -> str:
    """A hash as ``RECORD`` writes it."""
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
