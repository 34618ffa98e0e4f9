"""Versions that a project's own lock file pins: ``uv.lock``, ``poetry.lock``, ``pdm.lock``, ``Pipfile.lock``, ``pylock.toml``.

They are taken as constraints: what is asked for decides which packages there are, the lock file which versions. A
package that is pinned twice (for different Pythons or platforms) is left to the resolver, which knows the date.
"""

from __future__ import annotations

import json
import tomllib
from collections import defaultdict

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from r2egym.building.files import Files

_TOML = ("uv.lock", "poetry.lock", "pdm.lock", "pylock.toml")


def read_locks(files: Files) -> tuple[str, ...]:
    """``name==version`` for every package that the first lock file found pins to one version, sorted."""
    for path in (*_TOML, "Pipfile.lock"):
        if text := files.text(path):
            versions: defaultdict[str, set[str]] = defaultdict(set)
            for name, version in _pins(path, text):
                versions[canonicalize_name(name)].add(version)
            return tuple(
                sorted(f"{name}=={min(found)}" for name, found in versions.items() if len(found) == 1)
            )
    return ()


def _pins(path: str, text: str) -> list[tuple[str, str]]:
    try:
        if path == "Pipfile.lock":
            data = json.loads(text)
            packages = {**data.get("default", {}), **data.get("develop", {})}
            found = [
                (name, str(entry.get("version", "")).removeprefix("==")) for name, entry in packages.items()
            ]
        else:
            data = tomllib.loads(text)
            entries = data.get("package") or data.get("packages") or []
            found = [
                (str(entry["name"]), str(entry.get("version", ""))) for entry in entries if _from_index(entry)
            ]
    except (ValueError, KeyError, AttributeError, TypeError):
        return []
    return [(name, version) for name, version in found if _is_version(version)]


def _from_index(entry: dict[str, object]) -> bool:
    """Whether the package comes from an index rather than a folder or a repository."""
    source = entry.get("source")
    return not isinstance(source, dict) or "registry" in source or source.get("type") == "legacy"


def _is_version(text: str) -> bool:
    try:
        Version(text)
    except InvalidVersion:
        return False
    return True
