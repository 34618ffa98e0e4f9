"""Which tests judge a fix: the test modules it touched, and the files that they need.

Hidden files are all test-side files (helpers, data, ``conftest.py``) that differ between base and fix; the modules that
are run are those of them that a test runner would collect.
"""

from __future__ import annotations

import base64
import stat
from collections.abc import Mapping

from r2egym.curation.funnel import NotATaskError
from r2egym.mining import Entry, Repository, is_test_path
from r2egym.records import HiddenFile, HiddenTests

LARGEST_FILE = 4 << 20
"""Bytes of a hidden file beyond which a commit is turned away: a row holds it."""
_EXECUTABLE = 0o100
_SUBMODULE = 0o160000


def select_tests(repository: Repository, base: str, fix: str) -> HiddenTests:
    """The hidden tests of a fix.

    Args:
        repository: holds both commits.
        base: commit that an agent starts from.
        fix: commit whose tests judge it: the fix itself, or a later one that brought its tests.

    Raises:
        NotATaskError: there is nothing to judge by (``no-test-module``), or a file cannot be put into a row
            (``hidden-file-kind``, ``hidden-file-size``).
    """
    before, after = (_test_side(repository.tree(commit)) for commit in (base, fix))
    changed = sorted(path for path, entry in after.items() if before.get(path) != entry)
    deleted = tuple(sorted(before.keys() - after.keys()))
    modules = tuple(path for path in changed if is_test_module(path))
    if not modules:
        raise NotATaskError("select", "no-test-module", "no test module was added or edited")
    files = []
    for path in changed:
        entry = after[path]
        if stat.S_ISLNK(entry.mode) or entry.mode == _SUBMODULE:
            raise NotATaskError("select", "hidden-file-kind", f"{path} is a link or a submodule")
        data = repository.blob(entry.oid)
        if len(data) > LARGEST_FILE:
            raise NotATaskError("select", "hidden-file-size", f"{path} has {len(data)} bytes")
        files.append(_hidden(path, data, executable=bool(entry.mode & _EXECUTABLE)))
    return HiddenTests(files=tuple(files), deleted=deleted, modules=modules)


def is_test_module(path: str) -> bool:
    """Whether a test runner would collect the file by its name, or it is a plain module among the tests."""
    folders, _, name = path.rpartition("/")
    del folders
    if not name.endswith(".py"):
        return False
    return (
        name.startswith(("test_", "tests")) or name.endswith(("_test.py", "_tests.py")) or name == "test.py"
    )


def _test_side(tree: Mapping[str, Entry]) -> dict[str, Entry]:
    return {path: entry for path, entry in tree.items() if is_test_path(path)}


def _hidden(path: str, data: bytes, *, executable: bool) -> HiddenFile:
    """Text as it is when it is UTF-8 that survives the trip, base64 otherwise."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = None
    if text is None or "\0" in text:
        encoded = base64.b64encode(data).decode("ascii")
        return HiddenFile(path=path, content=encoded, encoding="base64", executable=executable)
    return HiddenFile(path=path, content=text, executable=executable)
