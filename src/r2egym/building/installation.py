"""Copying a Python installation to where a sandbox has it, so that it runs there.

Left out: installed packages, the interpreter's own tests (but ``test.support``, which some projects use), IDLE. Shared
libraries are found beside the interpreter: where the executable names the folder it was installed to (as pyenv's shared
builds do), that name is replaced in the copy.
"""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path

from r2egym.building.plain import MTIME, seal
from r2egym.errors import TaskError

_LEFT_OUT = {"site-packages", "idlelib", "turtledemo", "tests", "idle_test", "pkgconfig"}
_BESIDE = b"$ORIGIN/../lib"
_TIMEOUT = 600.0
_HEADER = 16
"""Bytes of a file of byte code before the code, since Python 3.7."""
_WORTH_KEEPING = 100


def copy_installation(executable: Path, prefix: Path, minor: str, folder: Path, target: str) -> None:
    """Copy the interpreter into ``folder``, to be mounted at ``target``, with byte code that stays valid in a layer.

    Raises:
        TaskError: the installation is bound to the place where it is.
    """
    name = f"python{minor}"
    (folder / "bin").mkdir()
    (folder / "lib").mkdir()
    for entry in sorted((prefix / "lib").iterdir()):
        if entry.name.startswith("lib") and ".so" in entry.name:
            shutil.copy2(entry, folder / "lib" / entry.name, follow_symlinks=False)
    library = folder / "lib" / name
    shutil.copytree(prefix / "lib" / name, library, symlinks=True, ignore=_ignored)
    (library / "site-packages").mkdir(exist_ok=True)
    for headers in (prefix / "include").glob(f"{name}*"):
        shutil.copytree(headers, folder / "include" / headers.name, symlinks=True)
    shutil.copy2(executable, folder / "bin" / name)
    for link in ("python", f"python{minor[0]}"):
        (folder / "bin" / link).symlink_to(name)
    for binary in (folder / "bin" / name, *(folder / "lib").glob("libpython*.so*")):
        if not binary.is_symlink():
            _unbind(binary, prefix)
    _compile(folder / "bin" / name, library, f"{target}/lib/{name}")


def _ignored(folder: str, names: list[str]) -> set[str]:
    if Path(folder).name == "test":
        return set(names) - {"__init__.py", "support", "test_support.py"}
    return {
        name
        for name in names
        if name in _LEFT_OUT
        or name.startswith("config-")
        or name.endswith((".a", ".opt-1.pyc", ".opt-2.pyc"))
    }


def _unbind(binary: Path, prefix: Path) -> None:
    """Make a binary look for shared libraries beside itself rather than where it was installed."""
    data = binary.read_bytes()
    bound = b"\0" + str(prefix / "lib").encode() + b"\0"
    if bound not in data:
        return
    room = len(bound) - 2
    if room < len(_BESIDE):
        raise TaskError(
            f"the Python at {prefix} runs only from there: its shared library's path is too short to replace"
        )
    binary.chmod(0o755)
    binary.write_bytes(data.replace(bound, b"\0" + _BESIDE.ljust(room, b"\0") + b"\0"))


def _compile(executable: Path, library: Path, shown: str) -> None:
    """Make byte code valid for the times that all files of a layer have. Raises TaskError when the copy does not run."""
    alone = isolation(executable.name)
    if not _keep_byte_code(library):
        seal(library)
        _run([executable, *alone, "-m", "compileall", "-q", "-d", shown, library])
    # Without -B it would compile anew, by the times that the sources have until the layer is sealed.
    done = _run(
        [executable, *alone, "-B", "-c", "import zlib, hashlib, json, struct, select, socket, subprocess"]
    )
    if done.returncode:
        words = done.stderr.decode(errors="replace").strip().splitlines() or [f"exit code {done.returncode}"]
        raise TaskError(f"a copy of {executable.name} does not run: {words[-1]}")


def isolation(name: str) -> tuple[str, ...]:
    """Options that keep variables and the user's own packages away from an interpreter of that name."""
    return ("-E", "-s") if name.startswith("python2") else ("-I",)


def _run(command: list[str | Path]) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(command, capture_output=True, check=False, env={}, timeout=_TIMEOUT)
    except (OSError, subprocess.SubprocessError) as error:
        raise TaskError(f"a copy of {Path(command[0]).name} does not run: {error}") from None


def _keep_byte_code(library: Path) -> bool:
    """Date the byte code that came along as its sources will be dated; whether there was any worth keeping.

    A file of byte code names the time and length of its source (PEP 552); one that fits its source still is told the new
    time. Importing puts the right file name into it, so where it was compiled does not matter.
    """
    kept = 0
    for old in library.rglob("*.py[co]"):
        if old.parent.name != "__pycache__":
            old.unlink()  # Python 2 has them beside their sources, and dated as these were
    for cache in list(library.rglob("__pycache__")):
        for path in cache.iterdir():
            source = cache.parent / f"{path.name.split('.')[0]}.py"
            data = path.read_bytes()
            flags, moment, size = struct.unpack_from("<III", data, 4) if len(data) > _HEADER else (1, 0, 0)
            status = source.stat() if source.is_file() else None
            if flags == 0 and status and (moment, size) == (int(status.st_mtime), status.st_size):
                path.chmod(0o644)
                path.write_bytes(data[:8] + struct.pack("<I", MTIME) + data[12:])
                kept += 1
            else:
                path.unlink()
    return kept > _WORTH_KEEPING
