"""What a build lacked on this machine, read from its log: a header, a library or a program, and where Debian has it."""

from __future__ import annotations

import re

from r2egym.errors import BuildError

_HEADER = re.compile(r"fatal error: ['\"]?([\w./+-]+\.(?:h|hpp|hh))['\"]?(?:: No such file| file not found)")
_LIBRARY = re.compile(
    r"headers or library files could not be found for (\w+)|cannot find -l(\w+)|Library [\"']?(\w+)[\"']? not found"
)
_PROGRAM = re.compile(
    r"(?:command |sh: (?:\d+: )?|No such file or directory: |unable to execute |Could not find |error: )"
    r"['\"]?([\w./+-]*?(?:gcc|g\+\+|cc|c\+\+|clang|gfortran|f77|cmake|ninja|make|cargo|rustc|pkg-config|swig|cython|git|hg"
    r"|\w+[-_]config))['\"]?(?=: (?:command )?not found| failed: No such file|: No such file|\s*$|[:,] )",
    re.MULTILINE,
)
_RUST = re.compile(
    r"can't find Rust compiler|Rust not found|requires Rust|cargo.*is not installed", re.IGNORECASE
)
_DEBIAN = {
    "Python.h": "python3-dev", "ffi.h": "libffi-dev", "openssl/": "libssl-dev", "libxml/": "libxml2-dev",
    "libxslt/": "libxslt1-dev", "jpeglib.h": "libjpeg-dev", "jpeg": "libjpeg-dev", "zlib.h": "zlib1g-dev",
    "zlib": "zlib1g-dev", "ft2build.h": "libfreetype-dev", "freetype": "libfreetype-dev", "tiff": "libtiff-dev",
    "yaml.h": "libyaml-dev", "sqlite3.h": "libsqlite3-dev", "curl/": "libcurl4-openssl-dev", "lber.h": "libldap2-dev",
    "libpq-fe.h": "libpq-dev", "mysql.h": "default-libmysqlclient-dev", "hdf5.h": "libhdf5-dev", "gmp.h": "libgmp-dev",
    "cairo.h": "libcairo2-dev", "event.h": "libevent-dev", "lapack": "liblapack-dev", "blas": "libblas-dev",
    "pg_config": "libpq-dev", "mysql_config": "default-libmysqlclient-dev", "xml2-config": "libxml2-dev",
    "xslt-config": "libxslt1-dev", "curl-config": "libcurl4-openssl-dev", "freetype-config": "libfreetype-dev",
    "llvm-config": "llvm-dev", "gfortran": "gfortran", "f77": "gfortran", "cmake": "cmake", "ninja": "ninja-build",
    "swig": "swig", "pkg-config": "pkg-config", "git": "git", "hg": "mercurial", "make": "make",
}  # fmt: skip
_COMPILERS = {"gcc", "g++", "cc", "c++", "clang"}


def diagnosed(error: BuildError) -> BuildError:
    """The same error, or a plainer one when its log tells what this machine lacks.

    Reasons: ``missing-header`` (a header or library of the system) and ``missing-program``.
    """
    log = error.log
    if found := _HEADER.search(log) or _LIBRARY.search(log):
        name = next(group for group in found.groups() if group)
        return BuildError(
            "missing-header", f"a dependency must be compiled and needs {name}{_where(name)}", log
        )
    if _RUST.search(log):
        return BuildError(
            "missing-program", "a dependency must be compiled and needs Rust (Debian: cargo)", log
        )
    if found := _PROGRAM.search(log):
        name = found[1].rpartition("/")[2]
        return BuildError(
            "missing-program", f"a dependency must be compiled and needs {name}{_where(name)}", log
        )
    return error


def _where(name: str) -> str:
    if name.rpartition("-")[2] in _COMPILERS:
        return " (Debian: build-essential)"
    package = next((package for start, package in _DEBIAN.items() if name.startswith(start)), "")
    return f" (Debian: {package})" if package else ""
