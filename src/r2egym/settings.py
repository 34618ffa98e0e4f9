"""The only reader of the process environment.

Everything below this module receives what it needs as arguments; the command line and the public entry points call
:func:`load` once. Keys of model servers are asked for by name, when a model is opened, and stay inside a
:class:`Secret`.
"""

from __future__ import annotations

import configparser
import os
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, final

_PIP_CERTIFICATES = ("PIP_CERT", "REQUESTS_CA_BUNDLE")


@dataclass(frozen=True, slots=True)
class Settings:
    """What the process environment says."""

    home: Path
    """Where layers, repositories, sandboxes and journals are kept; all of it may be deleted at any time."""
    path: tuple[Path, ...]
    """The folders of ``$PATH``, searched for interpreters."""
    pyenv_root: Path
    """Where pyenv keeps its interpreters."""
    user_home: Path
    """The user's own folder."""
    index_address: str = ""
    """The simple package index that uv or pip is configured with; empty: uv's own default."""
    docker_base: str = ""
    """An image that stands in for this machine's ``/usr`` under Docker; empty: none does."""
    certificates: Path | None = None
    """Further certificate authorities to trust when talking to it."""


def load() -> Settings:
    """Read the settings.

    ``$R2EGYM_HOME`` (default ``$XDG_CACHE_HOME/r2egym``), ``$R2EGYM_DOCKER_BASE``, ``$PATH``, ``$PYENV_ROOT``; the package index as uv and pip
    are told of it: ``$UV_DEFAULT_INDEX``, ``$UV_INDEX_URL``, ``$PIP_INDEX_URL``, their configuration files, and
    ``$SSL_CERT_FILE``, ``$PIP_CERT``, ``$REQUESTS_CA_BUNDLE``.
    """
    user_home = Path.home()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or user_home / ".cache")
    return Settings(
        home=Path(os.environ.get("R2EGYM_HOME") or cache / "r2egym").expanduser().absolute(),
        path=tuple(Path(part) for part in os.environ.get("PATH", os.defpath).split(os.pathsep) if part),
        pyenv_root=Path(os.environ.get("PYENV_ROOT") or user_home / ".pyenv"),
        user_home=user_home,
        docker_base=os.environ.get("R2EGYM_DOCKER_BASE", "").strip(),
        index_address=next(_index_addresses(user_home), ""),
        certificates=next(
            (path for path in map(Path, _named("SSL_CERT_FILE", *_PIP_CERTIFICATES)) if path.is_file()), None
        ),
    )


@final
class Secret:
    """A key. It shows itself to nobody who does not ask by name: not in a log, a repr, an exception or a pickle."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The key itself, for the one header that carries it."""
        return self._value

    def __str__(self) -> str:
        return "***"

    __repr__ = __str__

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not written down")


def api_key(*names: str) -> Secret | None:
    """The key in the first of these variables that is set; None: in none of them."""
    return next((Secret(value) for value in _named(*names)), None)


def keep_litellm_offline() -> None:
    """Have litellm use the prices that it brings along, unless the user chose otherwise: it reads this on import."""
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")


def _named(*names: str) -> Iterator[str]:
    """The values of those variables that are set."""
    return (value for name in names if (value := os.environ.get(name, "").strip()))


def _index_addresses(user_home: Path) -> Iterator[str]:
    """Every index that is configured as the default one, the one in force first."""
    for value in _named("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL"):
        yield value.split("=", 1)[1] if "=" in value.split("://", 1)[0] else value
    config = Path(os.environ.get("XDG_CONFIG_HOME") or user_home / ".config")
    for path in (config / "uv/uv.toml", Path("/etc/uv/uv.toml")):
        yield from _from_uv(path)
    pip = [Path(value) for value in _named("PIP_CONFIG_FILE")]
    pip += [
        config / "pip/pip.conf",
        user_home / ".pip/pip.conf",
        Path("/etc/pip.conf"),
        Path("/etc/xdg/pip/pip.conf"),
    ]
    for path in pip:
        yield from _from_pip(path)


def _from_uv(path: Path) -> Iterator[str]:
    try:
        found = tomllib.loads(path.read_text())
    except (OSError, ValueError):
        return
    for index in found.get("index", []):
        if index.get("default"):
            yield str(index["url"])
    for section in (found, found.get("pip", {})):
        if "index-url" in section:
            yield str(section["index-url"])


def _from_pip(path: Path) -> Iterator[str]:
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(path.read_text())
    except (OSError, ValueError, configparser.Error):
        return
    for section in ("install", "global"):
        if parser.has_option(section, "index-url"):
            yield parser.get(section, "index-url").strip()
