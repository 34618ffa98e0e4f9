"""The memory backend passes the checks that apply to it, and each of its known gaps is a real one."""

from pathlib import Path

import pytest

from r2egym.errors import R2EGymError
from r2egym.sandboxes import open_backend
from r2egym.sandboxes.conformance import Check, checks
from r2egym.sandboxes.memory import KNOWN_GAPS, MemorySandbox

APPLYING = [check for check in checks() if check.needs <= MemorySandbox.capabilities]


@pytest.mark.parametrize("check", APPLYING, ids=lambda check: check.name)
def test_check(check: Check, tmp_path: Path) -> None:
    """A check holds, or fails as its known gap says."""
    backend = open_backend("memory", tmp_path)
    folder = tmp_path / "case"
    folder.mkdir()
    if check.name not in KNOWN_GAPS:
        check.run(backend, folder)
        return
    with pytest.raises((AssertionError, R2EGymError, IndexError, ValueError)):
        check.run(backend, folder)


def test_gaps_are_checks() -> None:
    """Every known gap names a check, and has a reason."""
    assert set(KNOWN_GAPS) <= {check.name for check in APPLYING}
    assert all(KNOWN_GAPS.values())
