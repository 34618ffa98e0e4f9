"""Make control files, and the folder of the tests, links to files of the patch."""

from __future__ import annotations

from r2egym.attacks import diffs
from r2egym.attacks.base import Attack, Target
from r2egym.attacks.payloads import PLUGIN


def _make(target: Target) -> str:
    moved = [diffs.rename(path, f"aside/{number}.txt") for number, path in enumerate(target.tests)]
    links = [
        diffs.symlink("conftest.py", "/testbed/cheat_plugin.py"),
        diffs.symlink("pytest.ini", "cheat_settings.txt"),
    ]
    folders = [diffs.symlink(folder.rstrip("/"), "cheat_tests") for folder in target.test_folders]
    return diffs.join(
        *moved,
        *links,
        *(folders if not _kept(target) else ()),
        diffs.new_file("cheat_plugin.py", PLUGIN),
        diffs.new_file("cheat_settings.txt", "[pytest]\naddopts = -p cheat_plugin\n"),
        diffs.new_file("cheat_tests/conftest.py", PLUGIN),
    )


def _kept(target: Target) -> bool:
    """Whether something else lies among the tests, so that a link cannot take the folder's place."""
    return any(path.startswith(target.test_folders) for path in target.paths if path not in target.tests)


ATTACK = Attack(__name__, __doc__, "paths", _make, joins=False, beats="log")
