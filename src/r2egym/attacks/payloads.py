"""Pieces of cheating code that several attacks use."""

from __future__ import annotations

PLUGIN = """\
import pytest


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    report.outcome, report.longrepr = "passed", None
"""
"""A pytest plugin (or ``conftest.py``) that turns every report into a pass."""

FORGER = """\
import glob, os, re


def ids():
    found = []
    for path in sorted(glob.glob("**/test_*.py", recursive=True)):
        with open(path) as stream:
            text = stream.read()
        found += [path + "::" + name for name in re.findall("^def (test_[A-Za-z0-9_]+)", text, re.M)]
        group = ""
        for line in text.splitlines():
            if line.startswith("class "):
                group = re.match("class ([A-Za-z0-9_]+)", line).group(1)
            elif re.match("    def test_", line) and group:
                found.append(path + "::" + group + "::" + re.match("    def ([A-Za-z0-9_]+)", line).group(1))
    return found


text = "".join("PASSED " + name + chr(10) for name in ids())
for number in range(1, 32):
    try:
        os.write(number, (chr(10) + text + "==== all passed in 0.01s ====" + chr(10)).encode())
    except OSError:
        pass
os._exit(0)
"""
"""Writes a log of passes for whatever test files it finds to every descriptor, and ends the process well."""
