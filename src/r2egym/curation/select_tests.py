"""Which tests judge a fix: the test modules it touched, and the files that they need.

Hidden files are all test-side files (helpers, data, ``conftest.py``) that differ between base and fix, and what the fix
adds elsewhere for them alone: a file outside every package that a hidden file names or imports. The modules that are run
are those of them that a test runner would collect.
"""

from __future__ import annotations

import base64
import re
import stat
from collections.abc import Collection, Iterable, Mapping, Sequence

from r2egym.curation.funnel import NotATaskError
from r2egym.mining import Entry, Repository, is_test_path
from r2egym.records import HiddenFile, HiddenTests

LARGEST_FILE = 4 << 20
"""Bytes of a hidden file beyond which a commit is turned away: a row holds it."""
_HOLDS_TESTS = re.compile(rb"^\s*(async )?def test|^class \w*Test|\bTestCase\b", re.MULTILINE)
_NO_COMPANION = re.compile(
    r"(^|/)(docs?|changelog\.d|newsfragments|CHANGES)/|\.(rst|md|toml|cfg|ini|ya?ml|lock)$"
)
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
    old, new = (repository.tree(commit) for commit in (base, fix))
    before, after = _test_side(old), _test_side(new)
    changed = sorted(path for path, entry in after.items() if before.get(path) != entry)
    deleted = tuple(sorted(before.keys() - after.keys()))
    modules = tuple(path for path in changed if is_test_module(path))
    if not modules:
        scripts = [path for path in changed if path.endswith(".py") and not path.endswith("conftest.py")]
        modules = tuple(path for path in scripts if _HOLDS_TESTS.search(repository.blob(after[path].oid)))
    if not modules:
        raise NotATaskError("select", "no-test-module", "no test module was added or edited")
    modules = together(modules, new.keys())
    texts = [repository.blob(after[path].oid) for path in changed if path.endswith(".py")]
    companions = _companions(old.keys(), new.keys(), texts)
    changed = sorted({*changed, *companions})
    after |= {path: new[path] for path in companions}
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


def _companions(before: Collection[str], after: Collection[str], texts: Iterable[bytes]) -> list[str]:
    """Files that came with the fix, lie outside tests and source, and are named or imported by a hidden file.

    Source is every package, and every folder in which there was Python before: a package need not say that it is one.
    """
    packages = {path.rpartition("/")[0] for path in after if path.endswith("/__init__.py")}
    packages |= {
        path.rpartition("/")[0] for path in before if path.endswith(".py") and not is_test_path(path)
    }
    told = b"\n".join(texts)
    found = []
    for path in set(after) - set(before):
        folder, _, name = path.rpartition("/")
        parts = folder.split("/")
        inside = any("/".join(parts[:depth]) in packages for depth in range(1, len(parts) + 1))
        if (
            not folder
            or inside
            or {"src", "lib"} & set(parts)
            or is_test_path(path)
            or _NO_COMPANION.search(path)
        ):
            continue
        stem, _, kind = name.rpartition(".")
        word = re.escape(stem if kind == "py" else name).encode()
        context = (
            rb"(?:import|from)\s+[\w.]*\b%s\b|[\"'/]%s(?:\.py)?[\"']" if kind == "py" else rb"[\"'/]%s[\"']"
        )
        if re.search(context.replace(b"%s", word), told):
            found.append(path)
    return sorted(found)


def is_test_module(path: str) -> bool:
    """Whether a test runner would collect the file by its name."""
    name = path.rpartition("/")[2]
    if not name.endswith(".py"):
        return False
    return (
        name.startswith(("test_", "tests")) or name.endswith(("_test.py", "_tests.py")) or name == "test.py"
    )


def together(modules: Sequence[str], paths: Collection[str]) -> tuple[str, ...]:
    """The most modules that one run can import: of those whose names clash, the largest group from one folder.

    A module's name is given by the packages that hold it; ``api/tests`` and ``web/tests``, both packages, are both
    ``tests``, and only one of them can be imported.

    Args:
        modules: paths of test modules.
        paths: all paths of the commit.
    """
    places = {module: _import_place(module, paths) for module in modules}
    groups: dict[str, dict[str, list[str]]] = {}
    for module, (name, folder) in places.items():
        groups.setdefault(name, {}).setdefault(folder, []).append(module)
    kept = {
        module
        for by_folder in groups.values()
        for module in max(by_folder.values(), key=lambda group: (len(group), [-ord(c) for c in group[0]]))
    }
    return tuple(module for module in modules if module in kept)


def _import_place(module: str, paths: Collection[str]) -> tuple[str, str]:
    """Top of the name that a module is imported by, and the folder that it is found in."""
    folder, _, name = module.rpartition("/")
    while folder and f"{folder}/__init__.py" in paths:
        folder, _, name = folder.rpartition("/")
    return name, folder


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
