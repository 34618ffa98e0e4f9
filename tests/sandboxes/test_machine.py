"""The report of what a machine can do."""

from pathlib import Path

from r2egym import settings
from r2egym.sandboxes.base import Backend
from r2egym.sandboxes.machine import report


def test_report(bubblewrap: Backend, tmp_path: Path) -> None:
    """Where sandboxes run, everything needed works; what does not work says how to mend it."""
    found = settings.Settings(
        home=tmp_path, path=(Path("/usr/bin"),), pyenv_root=tmp_path, user_home=tmp_path
    )
    abilities = {ability.name: ability for ability in report(found)}
    needed = {"kernel", "bwrap", "namespaces", "no further namespaces inside", "sandbox", "git"}
    assert needed == {name for name, ability in abilities.items() if ability.needed}
    assert [name for name in needed if not abilities[name].works] == []
    assert all("\n" not in ability.detail + ability.mend for ability in abilities.values())
    assert all(ability.mend for ability in abilities.values())


def test_missing_programs(tmp_path: Path) -> None:
    """A path without git says so."""
    found = settings.Settings(home=tmp_path, path=(tmp_path,), pyenv_root=tmp_path, user_home=tmp_path)
    abilities = {ability.name: ability for ability in report(found)}
    assert not abilities["git"].works
    assert "install git" in abilities["git"].mend
