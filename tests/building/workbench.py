"""What tests of this room build from: repositories written in one go, wheels of a few lines, a setuptools that is one."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

DAY = 86400
SPRING = 1_680_000_000
"""A moment in 2023."""


def git(folder: Path, *words: str, stdin: bytes = b"", **variables: str) -> str:
    """What git prints."""
    command = ["git", "-C", str(folder), *words]
    done = subprocess.run(
        command, input=stdin, check=True, capture_output=True, env={**os.environ, **variables}
    )
    return done.stdout.decode(errors="surrogateescape").strip()


@dataclass
class History:
    """A bare repository that is written commit by commit."""

    folder: Path
    commits: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)
        git(self.folder, "init", "-q", "--bare", "-b", "main")

    def commit(
        self,
        files: Mapping[str, str | bytes],
        *,
        parents: Sequence[str] | None = None,
        moment: int | None = None,
        modes: Mapping[str, str] | None = None,
    ) -> str:
        """Add a commit with exactly these files (a submodule's content is a commit's id); its id."""
        parents = self.commits[-1:] if parents is None else parents
        moment = SPRING + DAY * len(self.commits) if moment is None else moment
        said = f"commit refs/heads/main\ncommitter Test <test@example.invalid> {moment} +0000\n".encode()
        said += b"data 5\nWork\n\n"
        said += b"".join(
            f"{word} {parent}\n".encode()
            for word, parent in zip(["from", *["merge"] * len(parents)], parents, strict=False)
        )
        said += b"deleteall\n"
        for path, content in files.items():
            mode = (modes or {}).get(path, "100644")
            name = b'"' + b"".join(b"\\%03o" % byte for byte in os.fsencode(path)) + b'"'
            data = content.encode() if isinstance(content, str) else content
            if mode == "160000":
                said += b"M 160000 " + data + b" " + name + b"\n"
            else:
                said += b"M %s inline %s\ndata %d\n%s\n" % (mode.encode(), name, len(data), data)
        if not parents:
            said = b"reset refs/heads/main\n" + said
        git(self.folder, "fast-import", "--quiet", "--force", stdin=said)
        self.commits.append(git(self.folder, "rev-parse", "main"))
        return self.commits[-1]

    def grow(self, number: int) -> None:
        """Add commits that each write a file of their own number and change a common one."""
        for _ in range(number):
            at = len(self.commits)
            files = {f"kept/{n}.txt": f"{n}\n" for n in range(at + 1)}
            self.commit({**files, "changing.txt": f"version {at}\n" * 20})


def write_wheel(
    folder: Path,
    name: str,
    version: str,
    files: Mapping[str, str],
    *,
    requires: Sequence[str] = (),
    uploaded: str = "2019-01-01T00:00:00Z",
    tag: str = "py3-none-any",
) -> Path:
    """Put a wheel, and the time it was uploaded at, into an index folder."""
    folder.mkdir(parents=True, exist_ok=True)
    info = f"{name}-{version}.dist-info"
    metadata = "".join(f"Requires-Dist: {line}\n" for line in requires)
    inside = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{metadata}",
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {tag}\n",
    }
    record = [f"{path},{_digest(text.encode())},{len(text.encode())}\n" for path, text in inside.items()]
    inside[f"{info}/RECORD"] = "".join([*record, f"{info}/RECORD,,\n"])
    path = folder / f"{name}-{version}-{tag}.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for inner, text in inside.items():
            archive.writestr(zipfile.ZipInfo(inner, (1980, 1, 1, 0, 0, 0)), text)
    uploads = folder / "uploads.json"
    times = json.loads(uploads.read_text()) if uploads.exists() else {}
    uploads.write_text(json.dumps({**times, path.name: uploaded}))
    return path


def _digest(content: bytes) -> str:
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


def write_build_tools(folder: Path) -> None:
    """Put a setuptools of a few lines, which runs ``setup.py`` and builds editable wheels, and a wheel into an index."""
    backend = {
        "setuptools/__init__.py": "def setup(**said):\n    said_of.update(said)\nsaid_of = {}\n"
        "def find_packages(where='.', **_):\n    return []\n",
        "setuptools/build_meta.py": _BACKEND,
        "distutils/__init__.py": "",  # where Python brings none
        "distutils/core.py": "def setup(**said):\n    pass\n",
    }
    write_wheel(folder, "setuptools", "68.0", backend)
    write_wheel(folder, "wheel", "0.40", {"wheel/__init__.py": ""})


_BACKEND = """
import os, sys, zipfile
import setuptools

__legacy__ = sys.modules[__name__]


def get_requires_for_build_editable(config_settings=None):
    return []


def build_editable(folder, config_settings=None, metadata_directory=None):
    exec(compile(open("setup.py").read(), "setup.py", "exec"), {"__name__": "__main__", "__file__": "setup.py"})
    name, version = setuptools.said_of["name"], setuptools.said_of.get("version", "0")
    info = "%s-%s.dist-info" % (name, version)
    files = {
        "__editable__.%s.pth" % name: os.getcwd() + "\\n",
        info + "/METADATA": "Metadata-Version: 2.1\\nName: %s\\nVersion: %s\\n" % (name, version),
        info + "/WHEEL": "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
    }
    files[info + "/RECORD"] = "".join("%s,,\\n" % path for path in [*files, info + "/RECORD"])
    wheel = "%s-%s-py3-none-any.whl" % (name, version)
    with zipfile.ZipFile(os.path.join(folder, wheel), "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return wheel
"""
