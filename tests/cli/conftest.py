"""The command line as a user has it: its two streams and its exit code.

It runs within this process, which spares each call an interpreter's start; tests of what a process does (signals, pipes,
kills, imports) start one.
"""

import contextlib
import io
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import pytest

from r2egym.cli import main

Run = Callable[..., subprocess.CompletedProcess[str]]


def call(home: Path, *words: object) -> subprocess.CompletedProcess[str]:
    """Call the command line with arguments; ``home`` says where layers are kept."""
    out, err = io.StringIO(), io.StringIO()
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    arguments = [str(word) for word in words]
    try:
        with (
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
            mock.patch.dict(os.environ, {"R2EGYM_HOME": str(home)}),
            pytest.raises(SystemExit) as end,
        ):
            main(arguments)
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    code = end.value.code
    assert isinstance(code, int)
    return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())


@pytest.fixture
def r2egym(tmp_path: Path) -> Run:
    """Call it with arguments, in a home of the test's own."""

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        return call(tmp_path / "home", *arguments)

    return run
