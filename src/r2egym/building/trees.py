"""Git trees: unpacked by us from the object store, never by ``git checkout``, and edited without an index or work tree.

No filter, attribute, line-ending conversion or hook of the repository has a say. Links stay links (also those that
point outside: only a sandbox follows them), a submodule is an empty folder. Files are shared with every other layer
that has them.
"""

from __future__ import annotations

import errno
import hashlib
import os
import zlib
from collections.abc import Mapping
from pathlib import Path

from r2egym.building.layers import LayerStore
from r2egym.building.objects import EXECUTABLE, LINK, SUBMODULE, TREE, Objects, TreeEntry
from r2egym.errors import RepositoryError

_DEEPEST = 200
"""Folders within folders; more is an attack on the host's recursion and path limits."""

_EMPTY = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
"""The tree of nothing."""
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


Change = tuple[int, str] | None
"""Mode and object id of a file; None: it goes."""


def edited_tree(objects: Objects, oid: str, changes: Mapping[bytes, Change], store: Path) -> str:
    """Id of the tree ``oid`` with files put in place or taken away; a folder left empty goes too.

    Args:
        objects: where the tree is.
        oid: 40 hex digits.
        changes: path → its new entry. A file may take the place of a folder, and a folder that of a file.
        store: object folder that gets the new trees.

    Raises:
        RepositoryError: a tree cannot be read.
    """
    entries = {entry.name: (entry.mode, entry.oid) for entry in objects.tree(oid)} if oid else {}
    deeper: dict[bytes, dict[bytes, Change]] = {}
    for path, change in sorted(changes.items(), key=lambda item: item[1] is not None):
        name, slash, rest = path.partition(b"/")
        if slash:
            deeper.setdefault(name, {})[rest] = change
        elif change is not None:
            entries[name] = change
        elif entries.get(name, (TREE, ""))[0] != TREE:
            del entries[name]
    for name, below in deeper.items():
        mode, child = entries.get(name, (TREE, ""))
        if mode != TREE and all(change is None for change in below.values()):
            continue  # what should go is not there
        child = edited_tree(objects, child if mode == TREE else "", below, store)
        entries[name] = (TREE, child)
        if child == _EMPTY:
            del entries[name]
    order = sorted(entries.items(), key=lambda item: item[0] + b"/" * (item[1][0] == TREE))
    data = b"".join(b"%o %s\0%s" % (mode, name, bytes.fromhex(child)) for name, (mode, child) in order)
    return write_object("tree", data, store)


def write_object(kind: str, data: bytes, store: Path) -> str:
    """Keep an object loose in an object folder; its id."""
    whole = b"%s %d\0" % (kind.encode(), len(data)) + data
    oid = hashlib.sha1(whole, usedforsecurity=False).hexdigest()
    place = store / oid[:2] / oid[2:]
    if not place.exists():
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(zlib.compress(whole, 1))
    return oid


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
