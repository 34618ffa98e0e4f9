"""The bundled history, unpacked once; tests only read it."""

import pytest

from r2egym.demo import Demo, unpack
from r2egym.mining import Repository


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """The demo, unpacked."""
    return unpack(tmp_path_factory.mktemp("demo"))


@pytest.fixture(scope="session")
def larder(demo: Demo) -> Repository:
    """Its repository."""
    return Repository(demo.repository)
