"""What a build lacked, told plainly."""

import pytest

from r2egym.building.diagnosis import diagnosed
from r2egym.errors import BuildError

LOGS = {
    "src/lxml/etree.c:261:10: fatal error: libxml/xmlversion.h: No such file or directory\ncompilation terminated.": (
        "missing-header", "libxml/xmlversion.h (Debian: libxml2-dev)"),
    "psycopg/psycopgmodule.c:27:10: fatal error: 'Python.h' file not found": (
        "missing-header", "Python.h (Debian: python3-dev)"),
    "The headers or library files could not be found for jpeg,\na required dependency when compiling Pillow": (
        "missing-header", "jpeg (Debian: libjpeg-dev)"),
    "/usr/bin/ld: cannot find -lpq: No such file or directory": ("missing-header", "needs pq"),
    "error: command 'x86_64-linux-gnu-gcc' failed: No such file or directory": (
        "missing-program", "x86_64-linux-gnu-gcc (Debian: build-essential)"),
    "unable to execute 'gcc': No such file or directory": ("missing-program", "gcc (Debian: build-essential)"),
    "Error: pg_config executable not found.\n/bin/sh: 1: pg_config: not found": (
        "missing-program", "pg_config (Debian: libpq-dev)"),
    "error: can't find Rust compiler\nThis package requires Rust": ("missing-program", "Rust (Debian: cargo)"),
    "FileNotFoundError: [Errno 2] No such file or directory: 'cmake'": ("missing-program", "cmake (Debian: cmake)"),
}  # fmt: skip
OTHERS = (
    "ModuleNotFoundError: No module named 'numpy'",
    "error: invalid command 'bdist_wheel'",
    "src/a.c:3:1: error: unknown type name 'foo'",
    "No such file or directory: 'README.rst'",
    "error: can't copy 'Makefile': doesn't exist",
)


@pytest.mark.parametrize("log", LOGS)
def test_a_log_tells_what_is_missing(log: str):
    """Header, library, program; with Debian's package where it is known; the log stays."""
    found = diagnosed(BuildError("install-failed", "its dependencies cannot be installed", log))
    reason, words = LOGS[log]
    assert found.reason == reason
    assert words in str(found)
    assert found.log == log


@pytest.mark.parametrize("log", OTHERS)
def test_other_troubles_stay_as_they_are(log: str):
    """What the machine is not to blame for is not blamed on it."""
    error = BuildError("install-failed", "its dependencies cannot be installed", log)
    assert diagnosed(error) is error
