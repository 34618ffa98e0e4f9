# mypy: ignore-errors - Python 2.7 has no annotations
"""The first thing that runs in the sandbox, after the line that unpacks these modules."""

import os
import sys

from _r2egym import channel, paths, stubs


def _environment(job):
    for name in list(os.environ):
        if name.startswith("PYTEST_"):
            del os.environ[name]
    os.environ["PATH"] = os.path.dirname(sys.executable) + os.pathsep + os.environ.get("PATH", os.defpath)
    os.environ.update(job["environment"])


def main(job):
    """Run one job to its end mark; never returns."""
    settings = job["settings"]  # stays text: it becomes a file
    job = channel.native(job)
    job["settings"] = settings
    emit = channel.open_channel(job["nonce"])
    _environment(job)
    leave = os._exit
    os.chdir(job["root"])
    stubs.install(job["codes"])
    watch = None
    if job["sealed"]:
        from _r2egym import handout

        watch = handout.install(emit).watch
    code = 70
    try:
        if job["runner"] == "pytest":
            from _r2egym import pytest_runner as runner
        else:
            from _r2egym import unittest_runner as runner
        code = runner.run(emit, job, watch)
        emit("origins", files=paths.origins(job["packages"]))
    except SystemExit as error:
        emit("internal", m="left with %r" % (error.code,))
    except BaseException as error:
        emit("internal", m=channel.text_of("%s: %s" % (type(error).__name__, channel.text_of(error))))
    emit("end", code=code)
    sys.stderr.flush()
    leave(code)  # neither threads nor exit handlers of the code under test have a say any more
