"""One unpacked demo for all of its tests, which only read it."""

import pytest

from r2egym.demo import Demo, unpack


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """The demo, unpacked."""
    return unpack(tmp_path_factory.mktemp("demo"))
