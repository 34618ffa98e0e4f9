"""The bubblewrap backend passes every check, with no known gap."""

from pathlib import Path

import pytest

from r2egym.sandboxes.base import Backend, Capability, SandboxConfig
from r2egym.sandboxes.conformance import Check, checks


@pytest.fixture(scope="module")
def able(bubblewrap: Backend) -> frozenset[Capability]:
    """What the backend can do on this machine."""
    with bubblewrap.open(SandboxConfig()) as sandbox:
        return sandbox.capabilities


@pytest.mark.parametrize("check", checks(), ids=lambda check: check.name)
def test_check(check: Check, bubblewrap: Backend, able: frozenset[Capability], tmp_path: Path) -> None:
    """Each check holds."""
    if not check.needs <= able:
        pytest.skip(f"this machine has no {', '.join(check.needs - able)}")
    check.run(bubblewrap, tmp_path)
