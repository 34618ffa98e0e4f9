"""The Docker backend passes every check, against a real engine."""

from pathlib import Path

import pytest

from r2egym.sandboxes.base import Capability, SandboxConfig
from r2egym.sandboxes.conformance import Check, checks
from r2egym.sandboxes.docker import DockerBackend

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def able(docker: DockerBackend) -> frozenset[Capability]:
    """What the backend can do on this machine."""
    with docker.open(SandboxConfig()) as sandbox:
        return sandbox.capabilities


@pytest.mark.parametrize("check", checks(), ids=lambda check: check.name)
def test_check(check: Check, docker: DockerBackend, able: frozenset[Capability], tmp_path: Path) -> None:
    """Each check holds."""
    if not check.needs <= able:
        pytest.skip(f"this engine has no {', '.join(check.needs - able)}")
    check.run(docker, tmp_path)
