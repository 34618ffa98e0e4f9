"""A git tree on disk: unpacked by us from the object store, never by ``git checkout``.

No filter, attribute, line-ending conversion or hook of the repository has a say. Links stay links (also those that
point outside: only a sandbox follows them), a submodule is an empty folder. Files are shared with every other layer
that has them.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

from r2egym.building.layers import LayerStore
from r2egym.building.objects import EXECUTABLE, LINK, SUBMODULE, TREE, Objects, TreeEntry
from r2egym.errors import RepositoryError

_DEEPEST = 200
"""Folders within folders; more is an attack on the host's recursion and path limits."""

_OF_ITS_MAKING = {errno.EEXIST, errno.ENAMETOOLONG}
"""Troubles with the disk that a tree itself makes."""


def unpack_tree(objects: Objects, oid: str, target: Path, store: LayerStore, depth: int = 0) -> None:
    """Write the tree ``oid`` into the new, empty folder ``target``.

    Every name is one that a checkout could have: a tree with ``..``, ``.git``, a name twice, or a path through its own
    link is refused. Raises RepositoryError.
    """
    if depth > _DEEPEST:
        raise RepositoryError(f"tree {oid} nests more than {_DEEPEST} folders")
    for entry in objects.tree(oid):
        place = target / os.fsdecode(_checked(entry, oid))
        try:
            if entry.mode == TREE:
                place.mkdir()
                unpack_tree(objects, entry.oid, place, store, depth + 1)
            elif entry.mode == SUBMODULE:
                place.mkdir()
            elif entry.mode == LINK:
                place.symlink_to(_target(objects, entry))
            else:
                _link_blob(objects, entry, place, store)
        except (OSError, ValueError) as error:
            if isinstance(error, OSError) and error.errno not in _OF_ITS_MAKING:
                raise
            why = error.strerror if isinstance(error, OSError) else error
            raise RepositoryError(f"tree {oid} cannot be unpacked: {entry.name!r:.100}: {why}") from None


def _target(objects: Objects, entry: TreeEntry) -> str:
    target = os.fsdecode(objects.read(entry.oid, "blob"))
    if not target:
        raise ValueError("a link that leads nowhere")
    return target


def _link_blob(objects: Objects, entry: TreeEntry, place: Path, store: LayerStore) -> None:
    executable = bool(entry.mode & EXECUTABLE)
    store.link_blob(entry.oid, place, lambda: objects.read(entry.oid, "blob"), executable=executable)


def _checked(entry: TreeEntry, oid: str) -> bytes:
    name = entry.name
    if name in {b"", b".", b".."} or b"/" in name or name.lower() == b".git":
        raise RepositoryError(f"tree {oid} has an entry named {name!r}, which no checkout can have")
    return name
